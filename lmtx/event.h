// What the library has to say while it works. The library itself never writes to stdout or stderr:
// progress and notices are values handed to a callback, and whoever calls draws them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace lmtx {

struct Event {
  enum class Kind {
    progress,  // `done` of `total` units of `stage` are finished
    notice,    // `message` is a sentence for the user
    cycle,     // a cycle ended; `message` sums it up
    stage,     // a stage of a training run ended, which took `seconds`
  };
  Kind kind = Kind::progress;
  // What is being done, in a word or two: "tokenize", "embed documents", "ask", "train", ...
  std::string stage = {};
  // The cycle it belongs to, from 0; -1 outside of any cycle.
  int64_t cycle = -1;
  int64_t done = 0;
  // 0 where it is not known beforehand.
  int64_t total = 0;
  std::string message = {};
  // Of the kind `stage` only.
  double seconds = 0;
};

// Called from the thread that called the library, never from two threads at once.
using EventCallback = std::function<void(const Event&)>;

}  // namespace lmtx
