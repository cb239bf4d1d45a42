#include "lmtx/text/added_token_segmenter.h"

#include <algorithm>
#include <iterator>

namespace lmtx::detail {

namespace {

std::vector<AddedToken> select(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<AddedToken> selected;
  std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(selected), [&](const AddedToken& token) { return token.normalized == normalized; });
  return selected;
}

std::vector<AddedToken> normalized_tokens(const std::vector<AddedToken>& tokens, const std::function<std::string(std::string_view)>& normalize) {
  std::vector<AddedToken> selected = select(tokens, /*normalized=*/true);
  for (AddedToken& token : selected) token.content = normalize(token.content);
  return selected;
}

}  // namespace

AddedVocabulary::AddedVocabulary(const std::vector<AddedToken>& tokens, const std::function<std::string(std::string_view)>& normalize)
    : plain(select(tokens, /*normalized=*/false)), normalized(normalized_tokens(tokens, normalize)) {}

void AddedTokenSegmenter::append_ids(std::string_view text, size_t max_ids, std::vector<int32_t>& ids) {
  ids_ = &ids;
  end_ = max_ids < ids.max_size() - ids.size() ? ids.size() + max_ids : ids.max_size();
  split(added_.plain, text, [this](std::string_view part) { append_part(part); });
  if (ids.size() > end_) ids.resize(end_);
}

}  // namespace lmtx::detail
