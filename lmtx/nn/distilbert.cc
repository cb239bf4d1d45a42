// DistilBERT (Sanh et al. 2019).
#include <string>
#include <utility>

#include "lmtx/nn/architectures.h"
#include "lmtx/nn/transformer.h"

namespace lmtx {
namespace {

const TransformerNames distilbert_names = {.prefix = "distilbert.",
                                           .layers = "transformer.layer.",
                                           .query = "attention.q_lin",
                                           .key = "attention.k_lin",
                                           .value = "attention.v_lin",
                                           .attention_output = "attention.out_lin",
                                           .attention_norm = "sa_layer_norm",
                                           .up = "ffn.lin1",
                                           .down = "ffn.lin2",
                                           .output_norm = "output_layer_norm"};

// Unlike BERT it has no token types, a fixed epsilon, and no dropout after attention.
TransformerSettings distilbert_settings(const detail::Json& config, const std::string& place) {
  TransformerSettings settings{
      .dim = detail::json_integer(config, "dim", place),
      .num_layers = detail::json_integer(config, "n_layers", place),
      .num_heads = detail::json_integer(config, "n_heads", place),
      .inner_dim = detail::json_integer(config, "hidden_dim", place),
      .vocabulary_size = detail::json_integer(config, "vocab_size", place),
      .max_positions = detail::json_integer(config, "max_position_embeddings", place),
      .activation = parse_activation(detail::json_string_or(config, "activation", "gelu", place), place),
  };
  settings.attention_dropout = detail::json_number_or(config, "attention_dropout", 0.1, place);
  settings.embedding_dropout = settings.output_dropout = detail::json_number_or(config, "dropout", 0.1, place);
  return settings;
}

}  // namespace

std::shared_ptr<SentenceModel> make_distilbert(ModelFolder folder, Weights weights) {
  const std::string place = (folder.path / "config.json").string();
  const TransformerSettings settings = distilbert_settings(folder.config, place);
  check_settings(settings, place);
  return std::make_shared<Transformer>(std::move(folder), settings, distilbert_names, std::move(weights));
}

}  // namespace lmtx
