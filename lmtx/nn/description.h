// What sets the architectures apart: each reads its config.json into the settings of a Transformer and the names of its tensors.
#pragma once

#include <cstdint>
#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/nn/transformer.h"

namespace lmtx {

struct TransformerDescription {
  TransformerSettings settings;
  TransformerNames names;
};

// `config` of the file `place`. Throw std::runtime_error naming what is missing or not supported.
TransformerDescription describe_bert(const detail::Json& config, const std::string& place);
TransformerDescription describe_distilbert(const detail::Json& config, const std::string& place);
// RoBERTa and those that differ from it only in what they were trained on: XLM-RoBERTa, CamemBERT.
TransformerDescription describe_roberta(const detail::Json& config, const std::string& place);
TransformerDescription describe_mpnet(const detail::Json& config, const std::string& place);
TransformerDescription describe_modernbert(const detail::Json& config, const std::string& place);

// The settings under the keys that BERT, RoBERTa and MPNet share.
TransformerSettings bert_settings(const detail::Json& config, const std::string& place);

// Has tokens at the positions behind that of padding, of `max_position_embeddings` positions in all.
void put_positions_behind(int64_t padding_id, TransformerSettings& settings, const std::string& place);

// What the keys of every architecture could say that is not supported (a decoder, code of its own, quantized weights).
void check_config(const detail::Json& config, const std::string& place);
// Sizes that fit each other, probabilities.
void check_settings(const TransformerSettings& settings, const std::string& place);
// Throws std::runtime_error for an activation that is not supported.
ops::Activation parse_activation(const std::string& name, const std::string& place);

}  // namespace lmtx
