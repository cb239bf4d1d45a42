// MPNet (Song et al. 2020): RoBERTa with relative positions besides, and without token types.
#include <stdexcept>

#include "lmtx/nn/description.h"

namespace lmtx {

TransformerDescription describe_mpnet(const detail::Json& config, const std::string& place) {
  TransformerDescription mpnet{.settings = bert_settings(config, place),
                               .names = {.prefix = "mpnet.",
                                         .attention_inputs = {"attention.attn.q", "attention.attn.k", "attention.attn.v"},
                                         .attention_output = "attention.attn.o",
                                         .attention_norm = "attention.LayerNorm"}};
  TransformerSettings& settings = mpnet.settings;
  // Whatever `pad_token_id` says.
  put_positions_behind(1, settings, place);
  // Of a larger table only the first 32 rows are used, there as here.
  settings.relative_positions = detail::json_integer_or(config, "relative_attention_num_buckets", 32, place);
  if (settings.relative_positions < 32) {
    throw std::runtime_error(place + ": `relative_attention_num_buckets` must be at least 32, but is " + std::to_string(settings.relative_positions) + ".");
  }
  return mpnet;
}

}  // namespace lmtx
