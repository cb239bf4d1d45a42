#include "lmtx/search/detail/segment.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/fault.h"
#include "lmtx/search/detail/dot.h"

namespace lmtx::detail {
namespace {

constexpr int64_t alignment = 64;
// Larger numbers in a file are a fault, and would overflow sizes.
constexpr int64_t most_rows = int64_t{1} << 40;
constexpr int64_t most_dims = int64_t{1} << 20;

struct SegmentHeader {
  char magic[8] = {'L', 'M', 'T', 'X', 'R', 'O', 'W', 'S'};
  int64_t num_rows = 0;
  int64_t dim = 0;
  double max_norm = 0;
  char unused[32] = {};
};
static_assert(sizeof(SegmentHeader) == alignment);

int64_t owners_offset(int64_t num_rows, int64_t dim) {
  const int64_t end_of_rows = alignment + num_rows * dim * static_cast<int64_t>(sizeof(float));
  return (end_of_rows + alignment - 1) / alignment * alignment;
}

int64_t segment_bytes(int64_t num_rows, int64_t dim) { return owners_offset(num_rows, dim) + num_rows * static_cast<int64_t>(sizeof(int64_t)); }

SegmentHeader header_of(std::string_view bytes) {
  SegmentHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

// Copies a row and returns its length, once scaled.
double copy_row(const float* from, float* to, int64_t dim, bool normalize) {
  std::copy_n(from, dim, to);
  const double length = std::sqrt(exact_dot(from, from, dim));
  if (!normalize || length == 0) return length;
  for (int64_t j = 0; j < dim; ++j) to[j] = static_cast<float>(to[j] / length);
  return std::sqrt(exact_dot(to, to, dim));
}

}  // namespace

std::string checksum_of(std::string_view bytes) {
  Hasher hasher;
  hasher.add_raw(bytes.data(), bytes.size());
  return hex(hasher.finish());
}

std::shared_ptr<Segment> Segment::copy_of(const at::Tensor& rows, std::span<const int64_t> owners, bool normalize) {
  std::shared_ptr<Segment> segment(new Segment);
  SegmentHeader header;
  header.num_rows = rows.size(0);
  header.dim = rows.size(1);
  const int64_t size = segment_bytes(header.num_rows, header.dim);
  segment->memory_ = at::empty({size}, at::TensorOptions().dtype(at::kByte).device(at::kCPU));
  auto* bytes = static_cast<char*>(segment->memory_.data_ptr());
  const int64_t owners_at = owners_offset(header.num_rows, header.dim);
  auto* copies = reinterpret_cast<float*>(bytes + alignment);
  std::memset(bytes + owners_at - alignment, 0, alignment);  // the gap before the owners
  const auto* from = rows.const_data_ptr<float>();
  const auto copy_some = [&](int64_t begin, int64_t end, double longest) {
    for (int64_t i = begin; i < end; ++i) longest = std::max(longest, copy_row(from + i * header.dim, copies + i * header.dim, header.dim, normalize));
    return longest;
  };
  header.max_norm = at::parallel_reduce(0, header.num_rows, 256, 0.0, copy_some, [](double a, double b) { return std::max(a, b); });
  std::memcpy(bytes + owners_at, owners.data(), owners.size_bytes());
  std::memcpy(bytes, &header, sizeof header);
  segment->bytes_ = {bytes, static_cast<size_t>(size)};
  segment->point_into_bytes();
  return segment;
}

std::shared_ptr<Segment> Segment::open(const std::filesystem::path& file, int64_t num_rows, int64_t dim, const std::string& checksum) {
  if (num_rows < 1 || num_rows > most_rows || dim < 1 || dim > most_dims) fail(file, "impossible numbers of rows and dimensions in the manifest.");
  std::shared_ptr<Segment> segment(new Segment);
  segment->mapped_ = std::make_unique<MappedFile>(file);
  segment->bytes_ = {segment->mapped_->data(), static_cast<size_t>(segment->mapped_->size())};
  const int64_t size = segment_bytes(num_rows, dim);
  if (segment->mapped_->size() != size) {
    fail(file, "expected " + std::to_string(size) + " bytes, but it has " + std::to_string(segment->mapped_->size()) + ": truncated, or from another index.");
  }
  if (segment->checksum() != checksum) fail(file, "damaged: its checksum is not the one in the manifest.");
  const SegmentHeader header = header_of(segment->bytes_);
  const bool fits = std::memcmp(header.magic, SegmentHeader().magic, sizeof header.magic) == 0 && header.num_rows == num_rows && header.dim == dim;
  if (!fits) fail(file, "its header and the manifest disagree about its rows.");
  segment->point_into_bytes();
  segment->check_numbers(file);
  return segment;
}

void Segment::point_into_bytes() {
  const SegmentHeader header = header_of(bytes_);
  num_rows_ = header.num_rows;
  dim_ = header.dim;
  max_norm_ = header.max_norm;
  rows_ = reinterpret_cast<const float*>(bytes_.data() + alignment);
  owners_ = reinterpret_cast<const int64_t*>(bytes_.data() + owners_offset(num_rows_, dim_));
  find_labels();
}

// What searches rely on; a file that was made by others may have the right checksum all the same.
void Segment::check_numbers(const std::filesystem::path& file) const {
  const auto all = owners();
  if (std::any_of(all.begin(), all.end(), [](int64_t label) { return label < 0; })) fail(file, "a row belongs to a label with a negative number.");
  const auto is_finite = [](float number) { return std::isfinite(number); };
  if (!std::isfinite(max_norm_) || !std::all_of(rows_, rows_ + num_rows_ * dim_, is_finite)) fail(file, "holds numbers that are not finite.");
}

void Segment::find_labels() {
  const auto not_ascending = [](int64_t a, int64_t b) { return a >= b; };
  const auto all = owners();
  if (std::adjacent_find(all.begin(), all.end(), not_ascending) == all.end()) return;
  labels_.assign(all.begin(), all.end());
  std::sort(labels_.begin(), labels_.end());
  labels_.erase(std::unique(labels_.begin(), labels_.end()), labels_.end());
}

bool Segment::has_label(int64_t label) const { return std::binary_search(labels().begin(), labels().end(), label); }

const std::string& Segment::checksum() const {
  std::call_once(checksum_once_, [this] { checksum_ = checksum_of(bytes_); });
  return checksum_;
}

}  // namespace lmtx::detail
