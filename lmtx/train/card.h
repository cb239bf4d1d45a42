// What training asks of a card. For the CPU each has its plain meaning, so that callers need not tell them apart. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "lmtx/export.h"

namespace lmtx::card {

// False for the CPU, whose training is in float32.
bool has_bfloat16(at::Device device);
// "cpu", or "cuda:0 (NVIDIA H100 80GB HBM3, 79.1 GiB, of which 3.2 GiB are free)".
std::string describe(at::Device device);
// Gives memory that is kept for reuse back to the card.
void empty_cache(at::Device device);

// A number that a device is about to have computed, read without keeping it from its work. On the CPU it is there at once.
class LMTX_API DeferredNumber {
 public:
  // `number` is a scalar of any floating type.
  explicit DeferredNumber(const at::Tensor& number);
  ~DeferredNumber();
  DeferredNumber(DeferredNumber&&) noexcept;
  DeferredNumber& operator=(DeferredNumber&&) noexcept;

  bool is_there() const;
  // Waits for it.
  double get() const;

 private:
  struct Arrival;
  // On the host, not before the arrival.
  at::Tensor number_;
  // Null where it is there.
  std::unique_ptr<Arrival> arrival_;
};

// A second queue of work on a card, which may run beside that of the thread that made it and begins behind what was queued there until then. Nothing for the
// CPU.
class OtherStream {
 public:
  explicit OtherStream(at::Device device);
  ~OtherStream();
  OtherStream(const OtherStream&) = delete;
  OtherStream& operator=(const OtherStream&) = delete;

  // While it lives the work of the calling thread goes there.
  class Entered;
  std::unique_ptr<Entered> enter() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class OtherStream::Entered {
 public:
  virtual ~Entered() = default;
};

// While it lives a card computes the same bits for the same input. Process-wide in torch, and so counted: the last of them restores what was set before the
// first. Nothing for the CPU, where it is always so.
class LMTX_API DeterministicScope {
 public:
  explicit DeterministicScope(bool wanted);
  ~DeterministicScope();
  DeterministicScope(const DeterministicScope&) = delete;
  DeterministicScope& operator=(const DeterministicScope&) = delete;

 private:
  struct Quiet;
  std::unique_ptr<Quiet> quiet_;
};

}  // namespace lmtx::card
