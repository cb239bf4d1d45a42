#include "lmtx/search/cuda/card_rows.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

#include "lmtx/search/cuda/device_scope.h"

namespace lmtx::cuda {
namespace {

// What is left of a card's memory to scores and to others: a tenth, and this much at least.
constexpr int64_t least_reserve = int64_t{4} << 30;
// Of rows that are copied for each search, two parts are on the card at a time.
constexpr int64_t most_bytes_a_copy = int64_t{256} << 20;
constexpr int64_t least_rows_a_copy = 64;
// Larger parts would leave scores of few queries at a time, and want large pieces of memory.
constexpr int64_t most_rows_a_part = int64_t{1} << 22;

int64_t most_rows_of_a_label(const detail::Segment& segment) {
  if (segment.labels().size() == segment.owners().size()) return 1;
  std::vector<int64_t> owners(segment.owners().begin(), segment.owners().end());
  std::sort(owners.begin(), owners.end());
  int64_t most = 0, run = 0;
  for (size_t i = 0; i < owners.size(); ++i) {
    run = i > 0 && owners[i] == owners[i - 1] ? run + 1 : 1;
    most = std::max(most, run);
  }
  return most;
}

void add_bytes(CardPart& part, int64_t dim) {
  if (dim > most_byte_dims) return;
  const auto on_card = part.rows.options();
  part.bytes = at::empty({part.count, padded_bytes(dim)}, on_card.dtype(at::kChar));
  part.byte_scales = at::empty({part.count}, on_card);
  part.byte_rounding = at::empty({1}, on_card);
}

int exponent_of(const detail::Segment& segment) { return scale_exponent(segment.max_norm()); }

void copy_rows(const detail::Segment& segment, CardPart& part) {
  const auto rows = at::from_blob(const_cast<float*>(segment.row(part.begin)), {part.count, segment.dim()}, at::TensorOptions().dtype(at::kFloat));
  const auto owners = at::from_blob(const_cast<int64_t*>(segment.owners().data() + part.begin), {part.count}, at::TensorOptions().dtype(at::kLong));
  part.rows.copy_(rows);
  part.owners.copy_(owners);
  round_rows(part.rows.const_data_ptr<float>(), static_cast<__half*>(part.half_rows.mutable_data_ptr()), part.rounding.mutable_data_ptr<float>(), part.count,
             segment.dim(), exponent_of(segment), c10::cuda::getCurrentCUDAStream().stream());
  if (!part.bytes.defined()) return;
  round_rows_to_bytes(part.rows.const_data_ptr<float>(), part.bytes.mutable_data_ptr<int8_t>(), part.byte_scales.mutable_data_ptr<float>(),
                      part.byte_rounding.mutable_data_ptr<float>(), part.count, segment.dim(), exponent_of(segment),
                      c10::cuda::getCurrentCUDAStream().stream());
}

}  // namespace

int64_t bytes_of_row(int64_t dim) {
  const int64_t bytes = dim <= most_byte_dims ? padded_bytes(dim) + static_cast<int64_t>(sizeof(float)) : 0;
  return dim * static_cast<int64_t>(sizeof(float)) + padded(dim) * static_cast<int64_t>(sizeof(__half)) + bytes + static_cast<int64_t>(sizeof(int64_t));
}

int64_t free_bytes(c10::Device device) {
  const DeviceScope scope(device);
  size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) return 0;
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device.index());
  const int64_t kept = stats.reserved_bytes[0].current - stats.allocated_bytes[0].current;
  return static_cast<int64_t>(free) + std::max<int64_t>(kept, 0);
}

CardMemory card_memory(c10::Device device, int64_t limit, int64_t taken, int64_t dim) {
  const int64_t free = limit == 0 ? free_bytes(device) : 0;
  const int64_t left = std::max<int64_t>(limit == 0 ? free - std::max(free / 10, least_reserve) : limit - taken, 0);
  const int64_t bytes_a_copy = std::min((limit == 0 ? free : limit) / 8, most_bytes_a_copy);
  return {.left = left, .rows_a_copy = std::max(bytes_a_copy / bytes_of_row(dim) / padding * padding, least_rows_a_copy)};
}

CardPart empty_part(int64_t count, int64_t dim, c10::Device device) {
  const auto on_card = at::TensorOptions().device(device);
  CardPart part;
  part.count = count;
  part.half_rows = at::empty({padded(count), padded(dim)}, on_card.dtype(at::kHalf));
  part.owners = at::empty({count}, on_card.dtype(at::kLong));
  part.rounding = at::empty({1}, on_card.dtype(at::kFloat));
  part.rows = at::empty({count, dim}, on_card.dtype(at::kFloat));
  return part;
}

RowsOnCard view_of(const CardPart& part, const detail::Segment& segment, const float* offsets, double largest_offset) {
  return {.rows = part.rows.const_data_ptr<float>(),
          .half_rows = static_cast<const __half*>(part.half_rows.const_data_ptr()),
          .owners = part.owners.const_data_ptr<int64_t>(),
          .offsets = offsets == nullptr ? nullptr : offsets + part.begin,
          .rounding = part.rounding.const_data_ptr<float>(),
          .count = part.count,
          .dim = segment.dim(),
          .length = segment.max_norm(),
          .exponent = exponent_of(segment),
          .largest_offset = largest_offset};
}

BytesOnCard bytes_of(const CardPart& part) {
  return {
      .bytes = part.bytes.const_data_ptr<int8_t>(), .scales = part.byte_scales.const_data_ptr<float>(), .rounding = part.byte_rounding.const_data_ptr<float>()};
}

CardSegment::CardSegment(std::shared_ptr<const detail::Segment> segment, c10::Device device, CardMemory& memory)
    : segment_(std::move(segment)), rows_a_label_(most_rows_of_a_label(*segment_)) {
  const DeviceScope scope(device);
  const int64_t num_rows = segment_->num_rows(), bytes = bytes_of_row(segment_->dim());
  // Of rows that do not fit, parts on their way want room, too.
  const bool all = num_rows <= memory.left / bytes;
  int64_t rows_left = all ? num_rows : std::max<int64_t>(memory.left / bytes - 2 * memory.rows_a_copy, 0);
  for (int64_t begin = 0; begin < num_rows;) {
    CardPart part;
    if (rows_left > 0) {
      try {
        part = empty_part(std::min({num_rows - begin, rows_left, most_rows_a_part}), segment_->dim(), device);
        add_bytes(part, segment_->dim());
      } catch (const c10::OutOfMemoryError&) {
        rows_left = 0;
        memory.left = 0;
        continue;
      }
      part.begin = begin;
      copy_rows(*segment_, part);
      bytes_ += part.count * bytes;
      rows_left -= part.count;
    } else {
      part.begin = begin;
      part.count = std::min(num_rows - begin, memory.rows_a_copy);
    }
    begin += part.count;
    parts_.push_back(std::move(part));
  }
  memory.left = all ? std::max<int64_t>(memory.left - bytes_, 0) : 0;
  c10::cuda::getCurrentCUDAStream().synchronize();
}

}  // namespace lmtx::cuda
