// Reads the files that describe a tokenizer. Each function throws std::runtime_error naming the file and the part that is broken or not supported.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "lmtx/text/added_tokens.h"
#include "lmtx/text/subword_model.h"

namespace lmtx::detail {

// Whichever of these files is there.
TokenizerParts read_tokenizer(const std::filesystem::path& folder, bool lower_case);

// tokenizer.json, the format of Hugging Face's `tokenizers`. With `lower_case` texts are put in lower case before anything else; so below.
TokenizerParts read_tokenizer_json(const std::filesystem::path& file, bool lower_case);
// vocab.txt of BERT or MPNet, a token a line, with the settings of tokenizer_config.json beside it (or their defaults); so below.
TokenizerParts read_vocab_txt(const std::filesystem::path& file, bool lower_case);
// XLM-RoBERTa's sentencepiece.bpe.model.
TokenizerParts read_xlm_roberta_files(const std::filesystem::path& file, bool lower_case);
// RoBERTa's vocab.json and merges.txt.
TokenizerParts read_roberta_files(const std::filesystem::path& vocabulary_file, const std::filesystem::path& merges_file, bool lower_case);
// `model_max_length` of tokenizer_config.json in that folder; 0 if it is not there or a placeholder.
int64_t read_model_max_length(const std::filesystem::path& folder);

// Collects added tokens and gives them ids: that of the vocabulary, else the next one after it.
class AddedTokenList {
 public:
  using Vocabulary = std::unordered_map<std::string, int32_t>;

  // Ids below `num_ids` are the vocabulary's, which must outlive this.
  AddedTokenList(const Vocabulary& vocabulary, size_t num_ids) : vocabulary_(vocabulary), next_id_(static_cast<int32_t>(num_ids)) {}
  explicit AddedTokenList(const Vocabulary& vocabulary) : AddedTokenList(vocabulary, vocabulary.size()) {}
  // A token that was added before is replaced.
  void add(AddedToken token);
  bool contains(const std::string& content) const;
  const std::vector<AddedToken>& tokens() const { return tokens_; }

 private:
  const Vocabulary& vocabulary_;
  int32_t next_id_;
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, size_t> places_;  // in tokens_, by content
};

}  // namespace lmtx::detail
