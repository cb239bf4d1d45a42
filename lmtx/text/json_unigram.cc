// `model` of the type "Unigram" in tokenizer.json.
#include <string>

#include "lmtx/detail/fault.h"
#include "lmtx/text/tokenizer_json.h"
#include "lmtx/text/unigram_vocabulary.h"

namespace lmtx::detail {

std::unique_ptr<const WordModel> read_unigram(TokenizerJson& tokenizer) {
  const Json& model = tokenizer.json["model"];
  const std::string place = tokenizer.file + ": `model`";
  if (tokenizer.scores.empty()) fail(place, "`vocab` must list tokens with their scores.");
  const int64_t unknown = json_integer(model, "unk_id", place);
  const auto size = static_cast<int64_t>(tokenizer.scores.size());
  if (unknown < 0 || unknown >= size)
    fail(place, "`unk_id` must be the place of one of the " + std::to_string(size) + " tokens, but is " + std::to_string(unknown) + " instead.");
  return std::make_unique<UnigramVocabulary>(UnigramOptions{
      .tokens = std::move(tokenizer.scores), .unknown = static_cast<int32_t>(unknown), .byte_fallback = json_boolean_or(model, "byte_fallback", false, place)});
}

}  // namespace lmtx::detail
