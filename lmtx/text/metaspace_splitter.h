// How SentencePiece's models see words: a space is a visible mark, at which words begin.
#pragma once

#include <string>
#include <string_view>

#include "lmtx/text/pre_tokenizer.h"

namespace lmtx::detail {

struct MetaspaceOptions {
  // Stands for a space: a character.
  std::string replacement = "\u2581";
  // Put the mark before a text that does not begin with it.
  bool prepend = true;
  // Words begin at marks; else the whole text is one word.
  bool split = true;
  // Drop white space of all kinds first; what lies between is a text each.
  bool split_at_white_space = false;
};

class MetaspaceSplitter : public PreTokenizer {
 public:
  explicit MetaspaceSplitter(const MetaspaceOptions& options) : options_(options) {}
  void split(std::string_view text, std::string& buffer, WordSink& sink) const override;

 private:
  bool split_part(std::string_view text, std::string& buffer, WordSink& sink) const;
  bool split_marked(std::string_view text, std::string& buffer, WordSink& sink) const;
  bool take_whole(std::string_view text, std::string& buffer, WordSink& sink) const;
  // Where the next mark or space is, from `begin` on, and its length.
  struct Mark {
    size_t begin;
    size_t length;
  };
  Mark next_mark(std::string_view text, size_t begin) const;

  MetaspaceOptions options_;
};

}  // namespace lmtx::detail
