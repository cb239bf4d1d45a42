// RowGraph through FAISS; in builds with LMTX_FAISS only.
#include <faiss/IndexHNSW.h>
#include <faiss/impl/DistanceComputer.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "lmtx/search/detail/dot.h"
#include "lmtx/search/detail/row_graph.h"

namespace lmtx::detail {
namespace {

// Links of a row (twice as many on the lowest level), and how widely the walk looks for them when a row goes in: FAISS's defaults.
constexpr int links = 32;
constexpr int width_of_building = 40;
// Rows a walk keeps in view, unless more are asked for.
constexpr int width_of_search = 64;

// What FAISS asks about rows: their products with a query and with each other. Debian's FAISS knows SSE2 only; fast_dot() knows more.
class RowProducts : public faiss::DistanceComputer {
 public:
  RowProducts(const float* rows, int64_t dim) : rows_(rows), dim_(dim) {}
  void set_query(const float* query) override { query_ = query; }
  float operator()(int64_t i) override { return fast_dot(query_, rows_ + i * dim_, dim_); }
  float symmetric_dis(int64_t i, int64_t j) override { return fast_dot(rows_ + i * dim_, rows_ + j * dim_, dim_); }

 private:
  const float* rows_;
  int64_t dim_;
  const float* query_ = nullptr;
};

// Rows that lie elsewhere, as FAISS wants to see them: a copy of its own would double the memory, and a mapping could not serve.
class BorrowedRows : public faiss::Index {
 public:
  BorrowedRows(const float* rows, int64_t dim) : faiss::Index(dim, faiss::METRIC_INNER_PRODUCT), rows_(rows) {}
  void add(int64_t n, const float*) override { ntotal += n; }
  void reset() override { ntotal = 0; }
  void search(int64_t, const float*, int64_t, float*, int64_t*, const faiss::SearchParameters*) const override {
    throw std::logic_error("BorrowedRows::search was called: this is a bug in LMTX.");
  }
  faiss::DistanceComputer* get_distance_computer() const override { return new RowProducts(rows_, d); }

 private:
  const float* rows_;
};

struct GraphHeader {
  char magic[8] = {'L', 'M', 'T', 'X', 'H', 'N', 'S', 'W'};
  int64_t num_rows = 0;
  int64_t num_neighbors = 0;
  int64_t links = 0;
  int64_t entry_point = 0;
  int64_t max_level = 0;
  char unused[16] = {};
};
static_assert(sizeof(GraphHeader) == 64);

class FaissGraph : public RowGraph {
 public:
  FaissGraph(const float* rows, int64_t dim) : rows_(rows, dim), index_(&rows_, links) {
    index_.hnsw.efConstruction = width_of_building;
    index_.hnsw.efSearch = width_of_search;
  }

  faiss::HNSW& graph() { return index_.hnsw; }
  void add(const float* rows, int64_t num_rows) { index_.add(num_rows, rows); }
  void set_num_rows(int64_t num_rows) { index_.ntotal = rows_.ntotal = num_rows; }

  std::vector<int64_t> nearest(const float* query, int64_t count) const override {
    std::vector<int64_t> found(static_cast<size_t>(count));
    std::vector<float> products(static_cast<size_t>(count));
    index_.search(1, query, count, products.data(), found.data());
    found.erase(std::remove(found.begin(), found.end(), -1), found.end());
    return found;
  }

  std::string to_bytes() const override {
    const faiss::HNSW& graph = index_.hnsw;
    GraphHeader header;
    header.num_rows = static_cast<int64_t>(graph.levels.size());
    header.num_neighbors = static_cast<int64_t>(graph.neighbors.size());
    header.links = links;
    header.entry_point = graph.entry_point;
    header.max_level = graph.max_level;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes.append(reinterpret_cast<const char*>(graph.levels.data()), graph.levels.size() * sizeof(int32_t));
    bytes.append(reinterpret_cast<const char*>(graph.neighbors.data()), graph.neighbors.size() * sizeof(int32_t));
    return bytes;
  }

 private:
  BorrowedRows rows_;
  faiss::IndexHNSW index_;
};

void require(bool fits, const char* what) {
  if (!fits) throw std::runtime_error(std::string("no graph of these rows (") + what + ").");
}

GraphHeader checked_header(std::string_view bytes, int64_t num_rows) {
  GraphHeader header;
  require(bytes.size() >= sizeof header, "too short");
  std::memcpy(&header, bytes.data(), sizeof header);
  require(std::memcmp(header.magic, GraphHeader().magic, sizeof header.magic) == 0, "another kind of file");
  require(header.num_rows == num_rows, "another number of rows");
  require(header.links == links, "another number of links");
  const auto numbers = static_cast<int64_t>((bytes.size() - sizeof header) / sizeof(int32_t));
  require(header.num_neighbors >= 0 && header.num_neighbors == numbers - num_rows, "another size");
  require(header.max_level >= 0 && header.max_level < 64, "impossible levels");
  require(header.entry_point >= 0 && header.entry_point < num_rows, "impossible entry point");
  return header;
}

// Where each row's neighbors begin, which its level decides.
void lay_out(faiss::HNSW& graph) {
  require(static_cast<size_t>(graph.max_level) + 1 < graph.cum_nneighbor_per_level.size(), "impossible levels");
  graph.offsets.assign(1, 0);
  for (int level : graph.levels) {
    require(level >= 1 && level <= graph.max_level + 1, "impossible levels");
    graph.offsets.push_back(graph.offsets.back() + static_cast<size_t>(graph.cum_nb_neighbors(level)));
  }
  require(graph.offsets.back() == graph.neighbors.size(), "another number of neighbors");
  require(graph.levels[graph.entry_point] == graph.max_level + 1, "impossible entry point");
}

// A walk on a level reads the neighbors that a row has there: it must not come to rows that do not reach up to it.
void check_neighbors(const faiss::HNSW& graph) {
  for (size_t row = 0; row < graph.levels.size(); ++row) {
    for (int level = 0; level < graph.levels[row]; ++level) {
      size_t begin = 0, end = 0;
      graph.neighbor_range(static_cast<int64_t>(row), level, &begin, &end);
      const auto is_there = [&](int32_t neighbor) { return neighbor < 0 || graph.levels[neighbor] > level; };
      require(std::all_of(graph.neighbors.begin() + static_cast<int64_t>(begin), graph.neighbors.begin() + static_cast<int64_t>(end), is_there), "impossible neighbors");
    }
  }
}

}  // namespace

std::shared_ptr<const RowGraph> build_graph(const float* rows, int64_t num_rows, int64_t dim) {
  if (num_rows > std::numeric_limits<int32_t>::max()) throw std::invalid_argument("HNSW takes at most 2147483647 rows; use \"exact\".");
  auto graph = std::make_shared<FaissGraph>(rows, dim);
  graph->add(rows, num_rows);
  return graph;
}

std::shared_ptr<const RowGraph> graph_from_bytes(std::string_view bytes, const float* rows, int64_t num_rows, int64_t dim) {
  const GraphHeader header = checked_header(bytes, num_rows);
  auto result = std::make_shared<FaissGraph>(rows, dim);
  faiss::HNSW& graph = result->graph();
  const auto* numbers = reinterpret_cast<const int32_t*>(bytes.data() + sizeof header);
  graph.levels.assign(numbers, numbers + num_rows);
  graph.neighbors.assign(numbers + num_rows, numbers + num_rows + header.num_neighbors);
  const auto in_range = [&](int32_t row) { return row >= -1 && row < num_rows; };
  require(std::all_of(graph.neighbors.begin(), graph.neighbors.end(), in_range), "impossible neighbors");
  graph.entry_point = static_cast<int32_t>(header.entry_point);
  graph.max_level = static_cast<int>(header.max_level);
  lay_out(graph);
  check_neighbors(graph);
  result->set_num_rows(num_rows);
  return result;
}

}  // namespace lmtx::detail
