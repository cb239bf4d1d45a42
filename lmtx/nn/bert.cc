// BERT (Devlin et al. 2018); MiniLM is one, too.
#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/nn/architectures.h"
#include "lmtx/nn/transformer.h"

namespace lmtx {
namespace {

const TransformerNames bert_names = {.prefix = "bert.",
                                     .layers = "encoder.layer.",
                                     .query = "attention.self.query",
                                     .key = "attention.self.key",
                                     .value = "attention.self.value",
                                     .attention_output = "attention.output.dense",
                                     .attention_norm = "attention.output.LayerNorm",
                                     .up = "intermediate.dense",
                                     .down = "output.dense",
                                     .output_norm = "output.LayerNorm"};

void check_kind(const detail::Json& config, const std::string& place) {
  const std::string positions = detail::json_string_or(config, "position_embedding_type", "absolute", place);
  if (positions != "absolute") throw std::runtime_error(place + ": position embeddings of type " + positions + " are not supported; supported is absolute.");
  if (detail::json_boolean_or(config, "is_decoder", false, place)) throw std::runtime_error(place + ": a decoder (`is_decoder`) is not supported.");
}

TransformerSettings bert_settings(const detail::Json& config, const std::string& place) {
  TransformerSettings settings{
      .dim = detail::json_integer(config, "hidden_size", place),
      .num_layers = detail::json_integer(config, "num_hidden_layers", place),
      .num_heads = detail::json_integer(config, "num_attention_heads", place),
      .inner_dim = detail::json_integer(config, "intermediate_size", place),
      .vocabulary_size = detail::json_integer(config, "vocab_size", place),
      .max_positions = detail::json_integer(config, "max_position_embeddings", place),
      .num_token_types = detail::json_integer_or(config, "type_vocab_size", 2, place),
      .activation = parse_activation(detail::json_string_or(config, "hidden_act", "gelu", place), place),
      .layer_norm_eps = detail::json_number_or(config, "layer_norm_eps", 1e-12, place),
  };
  settings.attention_dropout = detail::json_number_or(config, "attention_probs_dropout_prob", 0.1, place);
  settings.embedding_dropout = settings.attention_output_dropout = settings.output_dropout = detail::json_number_or(config, "hidden_dropout_prob", 0.1, place);
  return settings;
}

}  // namespace

std::shared_ptr<SentenceModel> make_bert(ModelFolder folder, Weights weights) {
  const std::string place = (folder.path / "config.json").string();
  check_kind(folder.config, place);
  const TransformerSettings settings = bert_settings(folder.config, place);
  check_settings(settings, place);
  return std::make_shared<Transformer>(std::move(folder), settings, bert_names, std::move(weights));
}

}  // namespace lmtx
