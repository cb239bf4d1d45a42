// Steps of normalization, one after the other, as a tokenizer.json lists them.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lmtx::detail {

// Immutable; shared by all threads. Texts are valid UTF-8.
class TextNormalizer {
 public:
  virtual ~TextNormalizer() = default;
  // Whether `text` certainly stays what it is: a quick look, which may say no where nothing changes.
  virtual bool keeps(std::string_view text) const = 0;
  virtual void append(std::string_view text, std::string& normalized) const = 0;
};

class NormalizerChain {
 public:
  // Scratch space of a thread.
  using Buffers = std::array<std::string, 2>;

  void add(std::unique_ptr<const TextNormalizer> step) { steps_.push_back(std::move(step)); }

  // The normalized text: `text` itself where nothing changes, else in one of the buffers.
  std::string_view apply(std::string_view text, Buffers& buffers) const {
    size_t next = 0;
    for (const auto& step : steps_) {
      if (step->keeps(text)) continue;
      std::string& buffer = buffers[next];
      next = 1 - next;
      buffer.clear();
      step->append(text, buffer);
      text = buffer;
    }
    return text;
  }

 private:
  std::vector<std::unique_ptr<const TextNormalizer>> steps_;
};

}  // namespace lmtx::detail
