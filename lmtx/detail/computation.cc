#include "lmtx/detail/computation.h"

#include <pthread.h>

#include <ATen/Parallel.h>

#include <atomic>
#include <stdexcept>

namespace lmtx::detail {
namespace {

// Computations under way, in this process.
std::atomic<int> under_way{0};
std::atomic<bool> forked{false}, forked_while_computing{false};

const int registered = ::pthread_atfork(nullptr, nullptr, [] {
  forked = true;
  if (under_way.exchange(0) > 0) forked_while_computing = true;
});

void stay_on_one_thread() {
  if (at::get_num_threads() > 1) at::set_num_threads(1);
}

}  // namespace

Computation::Computation() {
  if (forked_while_computing) {
    throw std::runtime_error(
        "This process was forked while LMTX computed in its parent, and the threads that computed are not here; start a process that is no fork "
        "(\"spawn\" in Python's multiprocessing), or fork when nothing computes.");
  }
  // A thread that is new to torch learns how many it may use: what it calls beside torch, such as MKL, would take all that there are.
  at::internal::lazy_init_num_threads();
  if (forked) stay_on_one_thread();
  ++under_way;
}

Computation::~Computation() { --under_way; }

bool is_forked() { return forked; }

}  // namespace lmtx::detail
