// `post_processor` of tokenizer.json: the special tokens around a text.

#include "lmtx/detail/fault.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

// ["[CLS]", 101]
std::vector<int32_t> read_bert_token(const Json& processor, const char* key, const std::string& place) {
  const Json& pair = require_list(processor, key, place);
  if (pair.size() != 2 || !pair[0].is_string()) fail(place, "`" + std::string(key) + "` must be a token and its id.");
  return {token_id(pair[1], pair[0].get<std::string>(), place)};
}

std::vector<int32_t> template_ids(const Json& processor, const Json& piece, const std::string& place) {
  const std::string token = json_string(piece, "id", place);
  const Json* special_tokens = find_part(processor, "special_tokens", place);
  const Json* special_token = special_tokens ? find_part(*special_tokens, token.c_str(), place) : nullptr;
  if (!special_token) fail(place, "\"" + token + "\" is not in `special_tokens`.");
  std::vector<int32_t> ids;
  for (const Json& id : require_list(*special_token, "ids", place)) ids.push_back(token_id(id, token, place));
  return ids;
}

void read_template(const Json& processor, TokenizerParts& parts, const std::string& place) {
  int texts = 0;
  for (const Json& piece : require_list(processor, "single", place)) {
    if (piece.is_object() && piece.contains("SpecialToken")) {
      const std::vector<int32_t> ids = template_ids(processor, piece["SpecialToken"], place);
      auto& side = texts == 0 ? parts.prefix : parts.suffix;
      side.insert(side.end(), ids.begin(), ids.end());
    } else if (piece.is_object() && piece.contains("Sequence") && json_string(piece["Sequence"], "id", place) == "A") {
      ++texts;
    } else {
      fail(place, "`single` has a piece that is not supported: " + piece.dump() + ".");
    }
  }
  if (texts != 1) fail(place, "`single` must have the text once, but has it " + std::to_string(texts) + " times.");
}

void read_processor(const Json& processor, TokenizerParts& parts, const std::string& file) {
  const std::string place = file + ": `post_processor`";
  const std::string type = json_string(processor, "type", place);
  if (type == "TemplateProcessing") return read_template(processor, parts, place);
  if (type == "ByteLevel") return;  // It changes offsets only.
  if (type == "Sequence") {
    for (const Json& step : require_list(processor, "processors", place)) {
      if (!parts.prefix.empty() || !parts.suffix.empty()) fail(place, "of a \"Sequence\" only the last step may put tokens around a text.");
      read_processor(step, parts, file);
    }
    return;
  }
  if (type != "BertProcessing" && type != "RobertaProcessing")
    fail(file, "`post_processor` is of the type \"" + type +
                   "\", but only \"TemplateProcessing\", \"BertProcessing\", \"RobertaProcessing\", \"ByteLevel\" and a \"Sequence\" of these are supported.");
  parts.prefix = read_bert_token(processor, "cls", place);
  parts.suffix = read_bert_token(processor, "sep", place);
}

}  // namespace

void read_post_processor(const TokenizerJson& tokenizer, TokenizerParts& parts) {
  const Json* processor = find_part(tokenizer.json, "post_processor", tokenizer.file);
  if (processor) read_processor(*processor, parts, tokenizer.file);
}

}  // namespace lmtx::detail
