// The tokens of a run's texts, in a memory-mapped file: tokenized once, read by every cycle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"

namespace lmtx {

// An immutable handle, cheap to copy; const methods may be called from several threads. Format: docs/formats/run.md.
class LMTX_API TokenFile {
 public:
  // Tokenizes `prompt` with document_text() of every document, or every label name, behind it, cut at `max_length`, and writes the file, whole or not at
  // all. Memory: one block of documents.
  static void write(const std::filesystem::path& file, const Corpus& documents, const Tokenizer& tokenizer, int64_t max_length, const std::string& prompt = {},
                    const EventCallback& on_event = {}, std::stop_token stop = {});
  static void write(const std::filesystem::path& file, const LabelSet& labels, const Tokenizer& tokenizer, int64_t max_length, const std::string& prompt = {});
  // Any texts, with `prompt` before each: `next` puts one into its argument, and is false at the end.
  static void write(const std::filesystem::path& file, const std::function<bool(std::string&)>& next, const Tokenizer& tokenizer, int64_t max_length,
                    const std::string& prompt = {}, std::stop_token stop = {});
  // Throws std::runtime_error naming the file and the fault.
  static TokenFile open(const std::filesystem::path& file);

  // Sequences.
  int64_t size() const;
  // Tokens of sequence i, special tokens included; valid while a copy of this handle lives.
  std::span<const int32_t> operator[](int64_t i) const;
  int64_t max_length() const;
  // Texts that had more tokens than max_length().
  int64_t num_cut() const;

 private:
  struct Impl;
  explicit TokenFile(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

// The sequence that the tokenizer would have made with a smaller `max_length`: its first tokens, then its suffix of `suffix_size` special tokens.
LMTX_API std::vector<int32_t> cut_tokens(std::span<const int32_t> tokens, int64_t max_length, int64_t suffix_size);

}  // namespace lmtx
