// The named special tokens of tokenizer_config.json and special_tokens_map.json, as transformers gives them to a tokenizer without a tokenizer.json.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/detail/json.h"
#include "lmtx/text/added_tokens.h"
#include "lmtx/text/tokenizer_files.h"

namespace lmtx::detail {

// The name that transformers has for it, and what it is where nobody says otherwise.
using NamedToken = std::pair<const char*, const char*>;

// Those of RoBERTa and XLM-RoBERTa.
inline constexpr std::array<NamedToken, 7> roberta_tokens{{{"bos_token", "<s>"},
                                                  {"eos_token", "</s>"},
                                                  {"unk_token", "<unk>"},
                                                  {"sep_token", "</s>"},
                                                  {"pad_token", "<pad>"},
                                                  {"cls_token", "<s>"},
                                                  {"mask_token", "<mask>"}}};

struct TokenizerSettings {
  Json config;
  // The files that messages name.
  std::string place;
};

// tokenizer_config.json, with what special_tokens_map.json beside it says of special tokens: it counts where there is no `added_tokens_decoder`.
// Throws std::runtime_error for an added_tokens.json, which older versions of transformers wrote.
TokenizerSettings read_settings_with_tokens(const std::filesystem::path& folder);

// A named token's text.
std::string config_token(const Json& config, const char* key, const std::string& otherwise, const std::string& place);

// Adds the tokens of `added_tokens_decoder`, the named ones and `additional_special_tokens`. `place` is the file that messages name.
void add_config_tokens(const Json& config, std::span<const NamedToken> named, AddedTokenList& list, const std::string& place);

}  // namespace lmtx::detail
