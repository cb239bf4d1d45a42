// tokenizer_config.json: the settings of BERT's tokenizer, which transformers keeps beside the vocabulary. Each function throws std::runtime_error
// naming `place`, the file.
#pragma once

#include <filesystem>
#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/text/bert_normalizer.h"

namespace lmtx::detail {

std::filesystem::path tokenizer_config_file(const std::filesystem::path& folder);
// The file; an empty object where it is missing.
Json read_tokenizer_config(const std::filesystem::path& file);

// Of the tokenizer's class, without "Fast": as `config`, tokenizer_config.json, names it, else what transformers has for the `model_type` of config.json
// in that folder, else BERT's.
std::string tokenizer_class(const Json& config, const std::filesystem::path& folder);
// Whether it is BERT's tokenizer, under whatever name.
bool is_bert_class(const std::string& name);

// `do_lower_case`, `tokenize_chinese_chars` and `strip_accents`, with transformers' defaults.
BertNormalizerOptions bert_settings(const Json& config, const std::string& place);

}  // namespace lmtx::detail
