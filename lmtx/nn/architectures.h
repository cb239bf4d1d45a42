// The kinds of networks that LMTX knows, by the `model_type` of config.json. A new one is one more file and one more line in architectures.cc.
#pragma once

#include <memory>

#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/nn/weights.h"

namespace lmtx {

// Each builds its network from the configuration and the weights of a folder; throws std::runtime_error naming what does not fit.
std::shared_ptr<SentenceModel> make_bert(ModelFolder folder, Weights weights);
std::shared_ptr<SentenceModel> make_distilbert(ModelFolder folder, Weights weights);

// The one that folder.config asks for. Throws std::runtime_error naming the architecture if it is not supported.
std::shared_ptr<SentenceModel> make_model(ModelFolder folder, Weights weights);

}  // namespace lmtx
