// A run's texts, tokenized once, and which of them are alike or empty. Internal.
#pragma once

#include <stop_token>
#include <vector>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/event.h"
#include "lmtx/text/tokenizer.h"
#include "lmtx/train/lengths.h"
#include "lmtx/train/report.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/twins.h"
#include "lmtx/train/work_folder.h"

namespace lmtx {

struct PreparedTexts {
  TokenFile documents, labels;
  Twins document_twins, label_twins;
  // Of each document whether it has no tokens but those that every text has: the special ones and the prompt's.
  std::vector<bool> is_empty;

  InputReport report() const;
};

// Leaves its results in the folder, each whole or not at all, and takes those that are there. Throws std::runtime_error naming a file that has another number
// of texts than the inputs; Stopped.
PreparedTexts prepare_texts(const WorkFolder& folder, const Corpus& documents, const LabelSet& labels, const Tokenizer& tokenizer, const Lengths& lengths,
                            const TextPrompts& prompts, const EventCallback& on_event = {}, std::stop_token stop = {});

}  // namespace lmtx
