#include "lmtx/train/checkpoint_writer.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <atomic>
#include <utility>

#include "lmtx/stopped.h"
#include "lmtx/train/card.h"

namespace lmtx {

struct CheckpointWriter::Shared {
  // Whole once the card has come so far.
  TrainingState snapshot;
  std::unique_ptr<card::OtherStream> stream;
  std::atomic<bool> done = false;
  // Not before `done`.
  std::exception_ptr failure;
};

CheckpointWriter::CheckpointWriter(std::filesystem::path folder, at::Device device) : folder_(std::move(folder)), device_(device) {}

void CheckpointWriter::save(const TrainingState& state) {
  if (thread_.joinable()) thread_.request_stop();
  wait();
  save_checkpoint(folder_, state);
}

bool CheckpointWriter::save_behind(const TrainingState& state) {
  if (device_.is_cpu()) {
    save(state);
    return true;
  }
  if (is_writing()) return false;
  wait();
  auto shared = std::make_shared<Shared>();
  shared->snapshot = state;
  try {
    const at::NoGradGuard no_grad;
    for (at::Tensor& tensor : shared->snapshot.tensors) tensor = tensor.detach().clone();
  } catch (const c10::OutOfMemoryError&) {
    shared.reset();
    save(state);
    return true;
  }
  shared->stream = std::make_unique<card::OtherStream>(device_);
  shared_ = shared;
  thread_ = std::jthread([shared, folder = folder_](const std::stop_token& stop) {
    try {
      const auto in_stream = shared->stream->enter();
      save_checkpoint(folder, shared->snapshot, stop);
    } catch (const Stopped&) {
    } catch (...) {
      shared->failure = std::current_exception();
    }
    shared->snapshot.tensors.clear();
    shared->done = true;
  });
  return true;
}

bool CheckpointWriter::is_writing() const { return shared_ && !shared_->done; }

bool CheckpointWriter::wait() {
  const bool was_writing = is_writing();
  if (thread_.joinable()) thread_.join();
  const std::shared_ptr<Shared> ended = std::exchange(shared_, nullptr);
  if (ended && ended->failure) std::rethrow_exception(ended->failure);
  return was_writing;
}

}  // namespace lmtx
