#include "lmtx/train/checkpoint_writer.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <atomic>
#include <chrono>
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
  double seconds = 0;
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
    const auto begin = std::chrono::steady_clock::now();
    try {
      const auto in_stream = shared->stream->enter();
      save_checkpoint(folder, shared->snapshot, stop);
      shared->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
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

double CheckpointWriter::seconds() const { return shared_ && shared_->done ? shared_->seconds : seconds_; }

bool CheckpointWriter::wait() {
  if (thread_.joinable()) thread_.join();
  const std::shared_ptr<Shared> ended = std::exchange(shared_, nullptr);
  if (ended) seconds_ = ended->seconds;
  if (ended && ended->failure) std::rethrow_exception(ended->failure);
  return ended != nullptr;
}

}  // namespace lmtx
