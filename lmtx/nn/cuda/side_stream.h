// Work that nothing on the current stream waits for until all is done, on a stream of its own: it fills what the other leaves idle. Internal.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <initializer_list>

namespace lmtx::cuda {

class SideStream {
 public:
  explicit SideStream(at::Device device) : stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index())) {}

  // Runs work() behind all that the current stream has been given so far. It reads `inputs`, which nobody may change before join().
  template <class Work>
  void run(std::initializer_list<at::Tensor> inputs, const Work& work) {
    wait(stream_, c10::cuda::getCurrentCUDAStream(stream_.device_index()));
    for (const at::Tensor& input : inputs) c10::cuda::CUDACachingAllocator::recordStream(input.storage().data_ptr(), stream_);
    const c10::cuda::CUDAStreamGuard on_side(stream_);
    work();
  }

  // What the current stream is given from now on comes behind all of it. Memory that the work took may be freed then: it serves this stream only, behind a
  // later run().
  void join() { wait(c10::cuda::getCurrentCUDAStream(stream_.device_index()), stream_); }

  // Joins at the end of a scope, also where it ends with an exception.
  class Joined {
   public:
    explicit Joined(SideStream& side) : side_(side) {}
    ~Joined() {
      try {
        side_.join();
      } catch (const c10::Error&) {
        // The card has failed; whoever asks it next is told.
      }
    }
    Joined(const Joined&) = delete;
    Joined& operator=(const Joined&) = delete;

   private:
    SideStream& side_;
  };

 private:
  static void wait(c10::cuda::CUDAStream waiting, c10::cuda::CUDAStream first) {
    at::cuda::CUDAEvent event;
    event.record(first);
    event.block(waiting);
  }

  c10::cuda::CUDAStream stream_;
};

}  // namespace lmtx::cuda
