// The texts of labels that a tagger compares documents with.
#pragma once

#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/compute_dtype.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/search/label_index.h"
#include "lmtx/tagger.h"

namespace lmtx::detail {

// Of one label: its name, then what the settings say, each once.
std::vector<std::string> label_texts(const Label& label, const TaggerSettings& settings);

// Unit vectors of the texts of these labels, which must be there; settings with nothing left open. Reports progress as the stage "embed labels".
LabelRows embed_labels(const Encoder& encoder, const LabelSet& labels, std::span<const int64_t> numbers, const TaggerSettings& settings, ComputeDtype dtype,
                       const EventCallback& on_event, std::stop_token stop);

}  // namespace lmtx::detail
