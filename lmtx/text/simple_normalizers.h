// Normalizers of a few lines: replacing, stripping and prepending.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "lmtx/text/text_normalizer.h"

namespace lmtx::detail {

// Puts `content` in the place of each `pattern`, which is not empty.
class ReplaceNormalizer : public TextNormalizer {
 public:
  ReplaceNormalizer(std::string pattern, std::string content) : pattern_(std::move(pattern)), content_(std::move(content)) {}
  bool keeps(std::string_view text) const override { return text.find(pattern_) == std::string_view::npos; }
  void append(std::string_view text, std::string& normalized) const override;

 private:
  std::string pattern_;
  std::string content_;
};

// Puts `content` in the place of `least` or more of a character (of ASCII) in a row: the pattern " {2,}".
class ReplaceRunNormalizer : public TextNormalizer {
 public:
  ReplaceRunNormalizer(char character, size_t least, std::string content) : character_(character), run_(least, character), content_(std::move(content)) {}
  bool keeps(std::string_view text) const override { return text.find(run_) == std::string_view::npos; }
  void append(std::string_view text, std::string& normalized) const override;

 private:
  char character_;
  std::string run_;
  std::string content_;
};

// Removes white space at the ends.
class StripNormalizer : public TextNormalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}
  bool keeps(std::string_view text) const override { return stripped(text).size() == text.size(); }
  void append(std::string_view text, std::string& normalized) const override { normalized += stripped(text); }

 private:
  std::string_view stripped(std::string_view text) const;

  bool left_;
  bool right_;
};

// Puts something before a text that is not empty.
class PrependNormalizer : public TextNormalizer {
 public:
  explicit PrependNormalizer(std::string content) : content_(std::move(content)) {}
  bool keeps(std::string_view text) const override { return text.empty(); }
  void append(std::string_view text, std::string& normalized) const override { normalized.append(content_).append(text); }

 private:
  std::string content_;
};

}  // namespace lmtx::detail
