// Whether this machine has a card, for tests that need one: without it they say so and end.
#pragma once

#include <ATen/Context.h>

#include "catch.h"

namespace lmtx::test {

inline bool has_card() {
  if (at::hasCUDA()) return true;
  WARN("skipped: no card");
  return false;
}

}  // namespace lmtx::test
