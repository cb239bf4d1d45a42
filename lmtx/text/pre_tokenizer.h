// Cuts normalized text into words; these alone decide their ids.
#pragma once

#include <string>
#include <string_view>

namespace lmtx::detail {

class WordSink {
 public:
  // `word` is not empty, and lives only during the call. False once there are enough ids.
  virtual bool take(std::string_view word) = 0;

 protected:
  ~WordSink() = default;
};

// Immutable; shared by all threads.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // `text` is not empty and valid UTF-8; `buffer` is scratch space of the thread.
  virtual void split(std::string_view text, std::string& buffer, WordSink& sink) const = 0;
};

// The whole text is one word.
class NoPreTokenizer : public PreTokenizer {
 public:
  void split(std::string_view text, std::string&, WordSink& sink) const override { sink.take(text); }
};

}  // namespace lmtx::detail
