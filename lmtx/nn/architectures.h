// The kinds of networks that LMTX knows, by the `model_type` of config.json. A new one is a description (description.h) and a line in architectures.cc.
#pragma once

#include <memory>

#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/nn/weights.h"

namespace lmtx {

// The one that folder.config asks for, with these weights. Throws std::runtime_error naming the architecture if it is not supported, and what of the
// configuration or the weights is not or does not fit.
std::shared_ptr<SentenceModel> make_model(ModelFolder folder, Weights weights);

}  // namespace lmtx
