#include <algorithm>
#include <utility>

#include "lmtx/text/tokenizer_files.h"

namespace lmtx::detail {

void AddedTokenList::add(AddedToken token) {
  if (token.content.empty()) return;
  const auto same = std::find_if(tokens_.begin(), tokens_.end(), [&](const AddedToken& other) { return other.content == token.content; });
  if (same != tokens_.end()) {
    token.id = same->id;
    *same = std::move(token);
    return;
  }
  const auto known = vocabulary_.find(token.content);
  token.id = known == vocabulary_.end() ? next_id_++ : known->second;
  tokens_.push_back(std::move(token));
}

bool AddedTokenList::contains(const std::string& content) const {
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const AddedToken& token) { return token.content == content; });
}

}  // namespace lmtx::detail
