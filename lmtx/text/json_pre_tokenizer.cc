// `pre_tokenizer` of tokenizer.json, for models other than WordPiece.
#include <string>

#include "lmtx/detail/fault.h"
#include "lmtx/text/byte_level_splitter.h"
#include "lmtx/text/metaspace_splitter.h"
#include "lmtx/text/tokenizer_json.h"
#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

JsonPreTokenizer read_byte_level(const Json& json, const std::string& place) {
  const ByteLevelOptions defaults;
  const ByteLevelOptions options{.add_prefix_space = json_boolean_or(json, "add_prefix_space", defaults.add_prefix_space, place),
                                 .use_regex = json_boolean_or(json, "use_regex", defaults.use_regex, place)};
  return {.splitter = std::make_unique<ByteLevelSplitter>(options), .byte_level = true};
}

JsonPreTokenizer read_metaspace(const Json& json, bool split_at_white_space, const std::string& place) {
  MetaspaceOptions options{.split_at_white_space = split_at_white_space};
  options.replacement = json_string(json, "replacement", place);
  options.split = json_boolean_or(json, "split", true, place);
  const bool add_prefix_space = json_boolean_or(json, "add_prefix_space", true, place);
  const std::string scheme = json_string_or(json, "prepend_scheme", add_prefix_space ? "always" : "never", place);
  if (scheme != "always" && scheme != "never")
    fail(place, "of a \"Metaspace\" the `prepend_scheme` \"" + scheme + "\" is not supported; \"always\" and \"never\" are.");
  options.prepend = scheme == "always" && add_prefix_space;
  if (options.replacement.empty() || decode_utf8(options.replacement, 0).length != options.replacement.size())
    fail(place, "of a \"Metaspace\" the `replacement` must be a character, but is \"" + options.replacement + "\" instead.");
  return {.splitter = std::make_unique<MetaspaceSplitter>(options)};
}

JsonPreTokenizer read_step(const Json& json, const std::string& place) {
  const std::string type = json_string(json, "type", place);
  if (type == "ByteLevel") return read_byte_level(json, place);
  if (type == "Metaspace") return read_metaspace(json, /*split_at_white_space=*/false, place);
  fail(place, "the type \"" + type + "\" is not supported; \"ByteLevel\", \"Metaspace\", and \"Metaspace\" behind \"WhitespaceSplit\" are.");
}

}  // namespace

JsonPreTokenizer read_pre_tokenizer(const TokenizerJson& tokenizer) {
  const Json* part = find_part(tokenizer.json, "pre_tokenizer", tokenizer.file);
  if (!part) return {.splitter = std::make_unique<NoPreTokenizer>()};
  const std::string place = tokenizer.file + ": `pre_tokenizer`";
  if (json_string(*part, "type", place) != "Sequence") return read_step(*part, place);
  const Json& steps = require_list(*part, "pretokenizers", place);
  if (steps.size() == 1) return read_step(steps[0], place);
  const auto type_of = [&](const Json& step) { return json_string(step, "type", place); };
  const bool supported = steps.size() == 2 && type_of(steps[0]) == "WhitespaceSplit" && type_of(steps[1]) == "Metaspace";
  if (supported) return read_metaspace(steps[1], /*split_at_white_space=*/true, place);
  std::string types;
  for (const Json& step : steps) types += (types.empty() ? "" : ", ") + type_of(step);
  fail(place, "the sequence of " + types + " is not supported; \"WhitespaceSplit\" before \"Metaspace\" is.");
}

}  // namespace lmtx::detail
