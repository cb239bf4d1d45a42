#include <utility>

#include "lmtx/text/tokenizer_files.h"

namespace lmtx::detail {

void AddedTokenList::add(AddedToken token) {
  if (token.content.empty()) return;
  const auto [place, is_new] = places_.emplace(token.content, tokens_.size());
  if (!is_new) {
    AddedToken& same = tokens_[place->second];
    token.id = same.id;
    same = std::move(token);
    return;
  }
  const auto known = vocabulary_.find(token.content);
  token.id = known == vocabulary_.end() ? next_id_++ : known->second;
  tokens_.push_back(std::move(token));
}

bool AddedTokenList::contains(const std::string& content) const { return places_.contains(content); }

}  // namespace lmtx::detail
