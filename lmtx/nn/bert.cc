// BERT (Devlin et al. 2018); MiniLM is one, too.
#include "lmtx/nn/description.h"

namespace lmtx {

TransformerSettings bert_settings(const detail::Json& config, const std::string& place) {
  TransformerSettings settings{
      .dim = detail::json_integer(config, "hidden_size", place),
      .num_layers = detail::json_integer(config, "num_hidden_layers", place),
      .num_heads = detail::json_integer(config, "num_attention_heads", place),
      .inner_dim = detail::json_integer(config, "intermediate_size", place),
      .vocabulary_size = detail::json_integer(config, "vocab_size", place),
      .max_positions = detail::json_integer(config, "max_position_embeddings", place),
      .activation = parse_activation(detail::json_string_or(config, "hidden_act", "gelu", place), place),
      .layer_norm_eps = detail::json_number_or(config, "layer_norm_eps", 1e-12, place),
  };
  settings.attention_dropout = detail::json_number_or(config, "attention_probs_dropout_prob", 0.1, place);
  settings.embedding_dropout = settings.attention_output_dropout = settings.output_dropout = detail::json_number_or(config, "hidden_dropout_prob", 0.1, place);
  return settings;
}

TransformerDescription describe_bert(const detail::Json& config, const std::string& place) {
  TransformerDescription bert{.settings = bert_settings(config, place), .names = {}};
  bert.settings.num_token_types = detail::json_integer_or(config, "type_vocab_size", 2, place);
  return bert;
}

}  // namespace lmtx
