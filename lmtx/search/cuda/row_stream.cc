#include "lmtx/search/cuda/row_stream.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace lmtx::cuda {
namespace {

// A processor's core copies about 10 GB/s, less than the card takes.
void copy_in_parallel(const void* from, void* to, int64_t bytes) {
  at::parallel_for(0, bytes, int64_t{1} << 20, [&](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin, static_cast<size_t>(end - begin));
  });
}

void copy_to_card(const at::Tensor& from, const at::Tensor& to, int64_t bytes, cudaStream_t stream) {
  const cudaError_t error = cudaMemcpyAsync(to.mutable_data_ptr(), from.const_data_ptr(), static_cast<size_t>(bytes), cudaMemcpyHostToDevice, stream);
  if (error != cudaSuccess) throw std::runtime_error(std::string("Copying rows to the card: ") + cudaGetErrorString(error) + ".");
}

}  // namespace

RowStream::RowStream(int64_t most_rows, int64_t dim, c10::Device device)
    : work_(c10::cuda::getCurrentCUDAStream(device.index())), copies_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {
  const auto pinned = at::TensorOptions().device(at::kCPU).pinned_memory(true);
  for (Slot& slot : slots_) {
    slot.rows = at::empty({most_rows, dim}, pinned.dtype(at::kFloat));
    slot.owners = at::empty({most_rows}, pinned.dtype(at::kLong));
    slot.on_card = empty_part(most_rows, dim, device);
    // The memory may have been used on the stream of work before.
    slot.released.record(work_);
  }
}

RowStream::~RowStream() {
  try {
    copies_.synchronize();
    work_.synchronize();
  } catch (...) {  // a broken card was reported before
  }
}

CardPart RowStream::fetch(const detail::Segment& segment, const CardPart& part) {
  current_ = 1 - current_;
  Slot& slot = slots_[current_];
  const int64_t dim = segment.dim();
  const int64_t row_bytes = part.count * dim * static_cast<int64_t>(sizeof(float)), owner_bytes = part.count * static_cast<int64_t>(sizeof(int64_t));
  if (slot.copied.isCreated()) slot.copied.synchronize();
  copy_in_parallel(segment.row(part.begin), slot.rows.mutable_data_ptr(), row_bytes);
  copy_in_parallel(segment.owners().data() + part.begin, slot.owners.mutable_data_ptr(), owner_bytes);
  slot.released.block(copies_);
  copy_to_card(slot.rows, slot.on_card.rows, row_bytes, copies_.stream());
  copy_to_card(slot.owners, slot.on_card.owners, owner_bytes, copies_.stream());
  slot.copied.record(copies_);
  slot.copied.block(work_);
  CardPart fetched = slot.on_card;
  fetched.begin = part.begin;
  fetched.count = part.count;
  fetched.half_rows = slot.on_card.half_rows.narrow(0, 0, padded(part.count));
  round_rows(fetched.rows.const_data_ptr<float>(), static_cast<__half*>(fetched.half_rows.mutable_data_ptr()), fetched.rounding.mutable_data_ptr<float>(),
             part.count, dim, scale_exponent(segment.max_norm()), work_.stream());
  return fetched;
}

void RowStream::release() { slots_[current_].released.record(work_); }

}  // namespace lmtx::cuda
