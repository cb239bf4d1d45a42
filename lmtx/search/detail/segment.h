// A part of a label index that is written once: rows and the labels that own them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/detail/files.h"
#include "lmtx/search/detail/row_graph.h"

namespace lmtx::detail {

// Immutable. Its bytes are laid out in memory as they are in a file, so that saving writes them and loading maps them:
//   0                     header, 64 bytes (SegmentHeader)
//   64                    rows, float32 [num_rows, dim]
//   the next multiple     owners, int64 [num_rows]
//   of 64 bytes
class Segment {
 public:
  // Copies; scales rows to unit length with `normalize` (rows of zeros stay). Rows must be finite float32 on the CPU, contiguous, at least one.
  static std::shared_ptr<Segment> copy_of(const at::Tensor& rows, std::span<const int64_t> owners, bool normalize);
  // Serves from a mapping. Throws std::runtime_error naming the file and the fault when it is not the one that these figures describe.
  static std::shared_ptr<Segment> open(const std::filesystem::path& file, int64_t num_rows, int64_t dim, const std::string& checksum);

  int64_t num_rows() const { return num_rows_; }
  int64_t dim() const { return dim_; }
  const float* row(int64_t i) const { return rows_ + i * dim_; }
  std::span<const int64_t> owners() const { return {owners_, static_cast<size_t>(num_rows_)}; }
  // Sorted, each once.
  std::span<const int64_t> labels() const { return labels_.empty() ? owners() : std::span<const int64_t>(labels_); }
  bool has_label(int64_t label) const;
  // Of the longest row.
  double max_norm() const { return max_norm_; }

  std::string_view bytes() const { return bytes_; }
  // 32 hexadecimal digits over bytes().
  const std::string& checksum() const;

  // Null for exact search. Set once, before the segment is shared.
  const RowGraph* graph() const { return graph_.get(); }
  void set_graph(std::shared_ptr<const RowGraph> graph) { graph_ = std::move(graph); }

 private:
  Segment() = default;
  void point_into_bytes();
  // Throws std::runtime_error naming the file.
  void check_numbers(const std::filesystem::path& file) const;
  void find_labels();

  at::Tensor memory_;  // uint8 [size]; undefined where mapped_ serves
  std::unique_ptr<MappedFile> mapped_;
  std::string_view bytes_;
  int64_t num_rows_ = 0;
  int64_t dim_ = 0;
  double max_norm_ = 0;
  const float* rows_ = nullptr;
  const int64_t* owners_ = nullptr;
  std::vector<int64_t> labels_;  // empty where owners() are sorted and distinct
  std::shared_ptr<const RowGraph> graph_;
  mutable std::once_flag checksum_once_;
  mutable std::string checksum_;
};

// Of bytes, 32 hexadecimal digits.
std::string checksum_of(std::string_view bytes);

}  // namespace lmtx::detail
