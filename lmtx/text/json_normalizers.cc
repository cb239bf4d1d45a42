// `normalizer` of tokenizer.json, for models other than WordPiece.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "lmtx/detail/base64.h"
#include "lmtx/detail/fault.h"
#include "lmtx/text/charsmap_normalizer.h"
#include "lmtx/text/lowercase_normalizer.h"
#include "lmtx/text/nfc_normalizer.h"
#include "lmtx/text/simple_normalizers.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

// A few steps could make terabytes of a word.
constexpr int max_growth = 65536;

const char* const supported = "\"NFC\", \"Lowercase\", \"Precompiled\", \"Replace\", \"Strip\", \"Prepend\" and a \"Sequence\" of these";

std::unique_ptr<const TextNormalizer> read_charsmap(const Json& step, const std::string& place) {
  const auto map = decode_base64(json_string(step, "precompiled_charsmap", place));
  if (!map) fail(place, "`precompiled_charsmap` is no base64.");
  try {
    return std::make_unique<CharsmapNormalizer>(*map);
  } catch (const std::invalid_argument& error) {
    fail(place, std::string("`precompiled_charsmap`: ") + error.what() + ".");
  }
}

// Of patterns those that are a character, perhaps with {n,} or + behind it.
std::unique_ptr<const TextNormalizer> read_pattern(const std::string& pattern, const std::string& content, const std::string& place) {
  const bool literal =
      !pattern.empty() && std::string_view("\\^$.|?*+()[]{}").find(pattern[0]) == std::string_view::npos && static_cast<unsigned char>(pattern[0]) < 0x80;
  const std::string_view count = literal ? std::string_view(pattern).substr(1) : std::string_view();
  if (literal && count.empty()) return std::make_unique<ReplaceNormalizer>(pattern, content);
  if (count == "+") return std::make_unique<ReplaceRunNormalizer>(pattern[0], 1, content);
  const bool counted = count.size() == 4 && count[0] == '{' && count[1] >= '1' && count[1] <= '9' && count.substr(2) == ",}";
  if (!counted) fail(place, "of a \"Replace\" the pattern " + Json(pattern).dump() + " is not supported; a character, perhaps with + or {n,} behind it, is.");
  return std::make_unique<ReplaceRunNormalizer>(pattern[0], static_cast<size_t>(count[1] - '0'), content);
}

std::unique_ptr<const TextNormalizer> read_replace(const Json& step, const std::string& place) {
  const Json* pattern = find_part(step, "pattern", place);
  const std::string content = json_string(step, "content", place);
  if (pattern && pattern->contains("Regex")) return read_pattern(json_string(*pattern, "Regex", place), content, place);
  const std::string text = pattern ? json_string(*pattern, "String", place) : "";
  if (text.empty()) fail(place, "of a \"Replace\" the `pattern` is missing or empty.");
  return std::make_unique<ReplaceNormalizer>(text, content);
}

std::unique_ptr<const TextNormalizer> read_step(const Json& step, const std::string& type, const std::string& place) {
  if (type == "NFC") return std::make_unique<NfcNormalizer>();
  if (type == "Lowercase") return std::make_unique<LowercaseNormalizer>();
  if (type == "Precompiled") return read_charsmap(step, place);
  if (type == "Replace") return read_replace(step, place);
  if (type == "Strip")
    return std::make_unique<StripNormalizer>(json_boolean_or(step, "strip_left", false, place), json_boolean_or(step, "strip_right", false, place));
  if (type == "Prepend") return std::make_unique<PrependNormalizer>(json_string(step, "prepend", place));
  fail(place, "the type \"" + type + "\" is not supported; " + supported + " are.");
}

// How many times as long as before a step may make a text.
double growth_of(const Json& step, const std::string& type) {
  if (type == "Precompiled") return static_cast<double>(CharsmapNormalizer::max_replacement);
  if (type == "Prepend") return 1 + static_cast<double>(step["prepend"].get_ref<const std::string&>().size());
  if (type == "Replace") return std::max(1.0, static_cast<double>(step["content"].get_ref<const std::string&>().size()));
  return 1;
}

// Adds `step` and gives what `growth` comes to with it.
double add_step(const Json& step, const std::string& place, double growth, NormalizerChain& chain) {
  const std::string type = json_string(step, "type", place);
  if (type == "Sequence") {
    for (const Json& part : require_list(step, "normalizers", place)) growth = add_step(part, place, growth, chain);
    return growth;
  }
  chain.add(read_step(step, type, place));
  growth *= growth_of(step, type);
  if (growth > max_growth) fail(place, "texts could become more than " + std::to_string(max_growth) + " times as long.");
  return growth;
}

}  // namespace

void add_normalizers(const TokenizerJson& tokenizer, NormalizerChain& chain) {
  const Json* normalizer = find_part(tokenizer.json, "normalizer", tokenizer.file);
  if (normalizer) add_step(*normalizer, tokenizer.file + ": `normalizer`", /*growth=*/1, chain);
}

}  // namespace lmtx::detail
