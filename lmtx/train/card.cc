#include "lmtx/train/card.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <memory>
#include <mutex>

#ifdef LMTX_CUDA
#include <ATen/cuda/CUDAContextLight.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "lmtx/nn/cuda/describe_card.h"
#endif

namespace lmtx::card {

namespace {

// What a deterministic way is missing for is said to nobody: the library writes nothing.
class Silence final : public c10::WarningHandler {
 public:
  void process(const c10::Warning&) override {}
};

}  // namespace

#ifdef LMTX_CUDA

bool has_bfloat16(at::Device device) { return device.is_cuda() && at::cuda::getDeviceProperties(device.index())->major >= 8; }

std::string describe(at::Device device) { return device.is_cuda() ? cuda::describe_card(device) : device.str(); }

void empty_cache(at::Device device) {
  if (device.is_cuda()) c10::cuda::CUDACachingAllocator::emptyCache();
}

struct DeferredNumber::Arrival {
  at::cuda::CUDAEvent event;
};

DeferredNumber::DeferredNumber(const at::Tensor& number) : number_(number.detach()) {
  if (!number.is_cuda()) return;
  const c10::cuda::CUDAGuard on_device(number.device());
  number_ = at::empty({}, at::TensorOptions().dtype(number.scalar_type()).pinned_memory(true));
  number_.copy_(number.detach(), /*non_blocking=*/true);
  arrival_ = std::make_unique<Arrival>();
  arrival_->event.record(c10::cuda::getCurrentCUDAStream());
}

bool DeferredNumber::is_there() const { return !arrival_ || arrival_->event.query(); }

double DeferredNumber::get() const {
  if (arrival_) arrival_->event.synchronize();
  return number_.item<double>();
}

struct OtherStream::Impl {
  c10::cuda::CUDAStream stream;
  at::cuda::CUDAEvent before;
};

namespace {

class StreamEntered final : public OtherStream::Entered {
 public:
  explicit StreamEntered(c10::cuda::CUDAStream stream) : guard_(stream) {}

 private:
  c10::cuda::CUDAStreamGuard guard_;
};

}  // namespace

OtherStream::OtherStream(at::Device device) {
  if (!device.is_cuda()) return;
  const c10::cuda::CUDAGuard on_device(device);
  impl_ = std::make_unique<Impl>(Impl{c10::cuda::getStreamFromPool(), {}});
  impl_->before.record(c10::cuda::getCurrentCUDAStream());
}

std::unique_ptr<OtherStream::Entered> OtherStream::enter() const {
  if (!impl_) return std::make_unique<Entered>();
  impl_->before.block(impl_->stream);
  return std::make_unique<StreamEntered>(impl_->stream);
}

#else

bool has_bfloat16(at::Device) { return false; }
std::string describe(at::Device device) { return device.str(); }
void empty_cache(at::Device) {}

struct DeferredNumber::Arrival {};
DeferredNumber::DeferredNumber(const at::Tensor& number) : number_(number.detach()) {}
bool DeferredNumber::is_there() const { return true; }
double DeferredNumber::get() const { return number_.item<double>(); }

struct OtherStream::Impl {};
OtherStream::OtherStream(at::Device) {}
std::unique_ptr<OtherStream::Entered> OtherStream::enter() const { return std::make_unique<Entered>(); }

#endif

OtherStream::~OtherStream() = default;

DeferredNumber::~DeferredNumber() = default;
DeferredNumber::DeferredNumber(DeferredNumber&&) noexcept = default;
DeferredNumber& DeferredNumber::operator=(DeferredNumber&&) noexcept = default;

namespace {

// The settings of torch, which are the whole process's: as they were before the first of the scopes that are open.
struct Settings {
  bool deterministic = at::globalContext().deterministicAlgorithms();
  bool warn_only = at::globalContext().deterministicAlgorithmsWarnOnly();
  bool fills = at::globalContext().deterministicFillUninitializedMemory();
  bool efficient_attention = at::globalContext().userEnabledMemEfficientSDP();
};

struct OpenScopes {
  std::mutex mutex;
  int64_t count = 0;
  Settings before;
};

OpenScopes& open_scopes() {
  static OpenScopes scopes;
  return scopes;
}

}  // namespace

struct DeterministicScope::Quiet {
  Silence silence;
  c10::WarningUtils::WarningHandlerGuard guard{&silence};
};

DeterministicScope::DeterministicScope(bool wanted) {
  if (!wanted) return;
  quiet_ = std::make_unique<Quiet>();
  OpenScopes& scopes = open_scopes();
  const std::lock_guard lock(scopes.mutex);
  if (scopes.count++ > 0) return;
  scopes.before = Settings();
  at::Context& context = at::globalContext();
  // Not as errors: cuBLAS is refused without an environment variable, which it needs for several streams only.
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
  // Its way back adds up in any order, and only warns.
  context.setSDPUseMemEfficient(false);
}

DeterministicScope::~DeterministicScope() {
  if (!quiet_) return;
  OpenScopes& scopes = open_scopes();
  const std::lock_guard lock(scopes.mutex);
  if (--scopes.count > 0) return;
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(scopes.before.deterministic, scopes.before.warn_only);
  context.setDeterministicFillUninitializedMemory(scopes.before.fills);
  context.setSDPUseMemEfficient(scopes.before.efficient_attention);
}

}  // namespace lmtx::card
