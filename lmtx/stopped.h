// Thrown by long work when its stop token says so. Nothing that was finished before is lost.
#pragma once

#include <stdexcept>
#include <stop_token>

#include "lmtx/export.h"

namespace lmtx {

class LMTX_API Stopped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws Stopped if a stop was asked for.
inline void check_stop(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Stopped("stopped on request; the same command goes on from here");
}

}  // namespace lmtx
