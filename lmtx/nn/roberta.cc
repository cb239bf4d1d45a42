// RoBERTa (Liu et al. 2019): BERT whose positions begin behind that of padding. XLM-RoBERTa (Conneau et al. 2020) and CamemBERT are the same network.
#include "lmtx/nn/description.h"

namespace lmtx {

TransformerDescription describe_roberta(const detail::Json& config, const std::string& place) {
  TransformerDescription roberta{.settings = bert_settings(config, place), .names = {.prefix = "roberta."}};
  roberta.settings.num_token_types = detail::json_integer_or(config, "type_vocab_size", 2, place);
  put_positions_behind(detail::json_integer_or(config, "pad_token_id", 1, place), roberta.settings, place);
  return roberta;
}

}  // namespace lmtx
