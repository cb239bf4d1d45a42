// A graph of near rows, for approximate search: HNSW (Malkov and Yashunin 2018) through FAISS. Only in builds with LMTX_FAISS.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lmtx::detail {

// Of a segment's rows, float32 [num_rows, dim], which the graph refers to and which must outlive it.
// Const methods may be called from several threads.
class RowGraph {
 public:
  virtual ~RowGraph() = default;
  // Probably the `count` rows with the largest product with `query`, [dim]; row numbers, best first; fewer where the walk found no more.
  virtual std::vector<int64_t> nearest(const float* query, int64_t count) const = 0;
  // The graph without the rows, as graph_from_bytes() reads it.
  virtual std::string to_bytes() const = 0;
};

std::shared_ptr<const RowGraph> build_graph(const float* rows, int64_t num_rows, int64_t dim);
// Throws std::runtime_error saying what about `bytes` does not fit.
std::shared_ptr<const RowGraph> graph_from_bytes(std::string_view bytes, const float* rows, int64_t num_rows, int64_t dim);

}  // namespace lmtx::detail
