// Thousands of tiny operations are slower with a pool than without.
#pragma once

#include <ATen/Parallel.h>

namespace lmtx::test {

class OneThread {
 public:
  OneThread() { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const int before_ = at::get_num_threads();
};

}  // namespace lmtx::test
