// DistilBERT (Sanh et al. 2019).
#include "lmtx/nn/description.h"

namespace lmtx {

// Unlike BERT it has no token types, a fixed epsilon, and no dropout after attention.
TransformerDescription describe_distilbert(const detail::Json& config, const std::string& place) {
  TransformerDescription distilbert{.settings = {.dim = detail::json_integer(config, "dim", place),
                                                 .num_layers = detail::json_integer(config, "n_layers", place),
                                                 .num_heads = detail::json_integer(config, "n_heads", place),
                                                 .inner_dim = detail::json_integer(config, "hidden_dim", place),
                                                 .vocabulary_size = detail::json_integer(config, "vocab_size", place),
                                                 .max_positions = detail::json_integer(config, "max_position_embeddings", place),
                                                 .activation = parse_activation(detail::json_string_or(config, "activation", "gelu", place), place)},
                                    .names = {.prefix = "distilbert.",
                                              .layers = "transformer.layer.",
                                              .attention_inputs = {"attention.q_lin", "attention.k_lin", "attention.v_lin"},
                                              .attention_output = "attention.out_lin",
                                              .attention_norm = "sa_layer_norm",
                                              .up = "ffn.lin1",
                                              .down = "ffn.lin2",
                                              .output_norm = "output_layer_norm"}};
  TransformerSettings& settings = distilbert.settings;
  settings.attention_dropout = detail::json_number_or(config, "attention_dropout", 0.1, place);
  settings.embedding_dropout = settings.output_dropout = detail::json_number_or(config, "dropout", 0.1, place);
  return distilbert;
}

}  // namespace lmtx
