// RoBERTa (Liu et al. 2019): BERT whose positions begin behind that of padding. XLM-RoBERTa (Conneau et al. 2020) and CamemBERT are the same network.
#include <stdexcept>

#include "lmtx/nn/description.h"

namespace lmtx {

TransformerDescription describe_roberta(const detail::Json& config, const std::string& place) {
  TransformerDescription roberta{.settings = bert_settings(config, place), .names = {.prefix = "roberta."}};
  TransformerSettings& settings = roberta.settings;
  settings.num_token_types = detail::json_integer_or(config, "type_vocab_size", 2, place);
  settings.padding_id = detail::json_integer_or(config, "pad_token_id", 1, place);
  if (*settings.padding_id < 0) throw std::runtime_error(place + ": `pad_token_id` must not be negative, but is " + std::to_string(*settings.padding_id) + ".");
  settings.max_positions -= *settings.padding_id + 1;
  return roberta;
}

}  // namespace lmtx
