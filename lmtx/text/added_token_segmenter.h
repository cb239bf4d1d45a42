// What every kind of tokenizer does first: cut added tokens out of a text, and stop once there are enough ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/text/added_tokens.h"
#include "lmtx/text/subword_model.h"

namespace lmtx::detail {

struct AddedVocabulary {
  // `normalize` is what the tokenizer does to texts. Of tokens that are the same once normalized the first counts.
  AddedVocabulary(const std::vector<AddedToken>& tokens, const std::function<std::string(std::string_view)>& normalize);

  // Looked for in the text as it is.
  AddedTokens plain;
  // Looked for, themselves normalized, in normalized text.
  AddedTokens normalized;
};

class AddedTokenSegmenter : public Segmenter {
 public:
  void append_ids(std::string_view text, size_t max_ids, std::vector<int32_t>& ids) final;

 protected:
  // `added` must outlive this.
  explicit AddedTokenSegmenter(const AddedVocabulary& added) : added_(added) {}

  // Text without added tokens, other than those that are looked for in normalized text.
  virtual void append_part(std::string_view text) = 0;

  bool has_normalized_tokens() const { return !added_.normalized.empty(); }
  // Cuts normalized text at added tokens, too; `on_text` appends the rest.
  template <typename OnText>
  void split_normalized(std::string_view text, OnText&& on_text) {
    split(added_.normalized, text, on_text);
  }

  // Where ids go; only while append_ids() runs.
  std::vector<int32_t>& ids() { return *ids_; }
  // How many there may be.
  size_t end() const { return end_; }
  bool more() const { return ids_->size() < end_; }

 private:
  template <typename OnText>
  void split(const AddedTokens& tokens, std::string_view text, OnText&& on_text) {
    tokens.split(
        text,
        [&](std::string_view part) {
          on_text(part);
          return more();
        },
        [this](int32_t id) {
          ids_->push_back(id);
          return more();
        });
  }

  const AddedVocabulary& added_;
  std::vector<int32_t>* ids_ = nullptr;
  size_t end_ = 0;
};

}  // namespace lmtx::detail
