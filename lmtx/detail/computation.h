// What becomes of computing in a process that was forked from one that computed, too. Internal.
#pragma once

#include "lmtx/export.h"

namespace lmtx::detail {

// A call that computes on torch's threads, while it lives; such calls lie inside one another. Threads do not survive fork(), and OpenMP waits for its lost ones
// for ever: a child computes on one thread. One that was forked while a call computed has that call's locks, too, which nobody will open:
// there the constructor throws std::runtime_error.
class LMTX_API Computation {
 public:
  Computation();
  ~Computation();
  Computation(const Computation&) = delete;
  Computation& operator=(const Computation&) = delete;
};

// Whether this process was forked from one that had the library loaded.
LMTX_API bool is_forked();

}  // namespace lmtx::detail
