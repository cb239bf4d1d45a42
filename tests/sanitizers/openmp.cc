// Tells ThreadSanitizer when an OpenMP region starts and ends: the runtime is torch's, is not instrumented, and hands over work in ways that cannot be seen.
// Stands before the runtime's own function, for our code and for torch's. What the threads of one region do to each other is then seen as it is.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace {

using Work = void (*)(void*);
using Parallel = void (*)(Work, void*, unsigned, unsigned);

struct Region {
  Work work;
  void* data;
  char start = 0, end = 0;
};

// Reads what another thread wrote before it can say so.
__attribute__((no_sanitize("thread"))) void run(void* pointer) {
  auto* region = static_cast<Region*>(pointer);
  __tsan_acquire(&region->start);
  region->work(region->data);
  __tsan_release(&region->end);
}

}  // namespace

extern "C" __attribute__((visibility("default"), no_sanitize("thread"))) void GOMP_parallel(Work work, void* data, unsigned threads, unsigned flags) {
  static const auto parallel = reinterpret_cast<Parallel>(dlsym(RTLD_NEXT, "GOMP_parallel"));
  Region region{work, data};
  __tsan_release(&region.start);
  parallel(run, &region, threads, flags);
  __tsan_acquire(&region.end);
}
