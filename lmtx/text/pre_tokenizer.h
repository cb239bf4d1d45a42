// Cuts normalized text into words; these alone decide their ids.
#pragma once

#include <string>
#include <string_view>
#include <utility>

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

// Cuts before each mark that stands behind another character. The mark is a character.
class MarkSplitter : public PreTokenizer {
 public:
  explicit MarkSplitter(std::string mark) : mark_(std::move(mark)) {}

  void split(std::string_view text, std::string&, WordSink& sink) const override {
    size_t begin = 0;
    for (size_t found = text.find(mark_); found != std::string_view::npos; found = text.find(mark_, found + mark_.size())) {
      const bool behind_another = found > begin && !text.substr(0, found).ends_with(mark_);
      if (!behind_another) continue;
      if (!sink.take(text.substr(begin, found - begin))) return;
      begin = found;
    }
    sink.take(text.substr(begin));
  }

 private:
  std::string mark_;
};

}  // namespace lmtx::detail
