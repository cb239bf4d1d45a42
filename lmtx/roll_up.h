// Tags along a hierarchy of labels.
#pragma once

#include <span>
#include <vector>

#include "lmtx/corpus/label_set.h"
#include "lmtx/export.h"
#include "lmtx/tagger.h"

namespace lmtx {

struct RollUpOptions {
  // Leave out what is broader than another tag, instead of adding it.
  bool drop_ancestors = false;
};

// The tags with every label that is broader than one of them (Label::broader, and what is broader than that, and so on; uids that `labels` lacks are passed
// over, circles are no matter): a broader label gets the best score and the best probability among its own and those of the narrower tags. Best probability
// first, then best score; of equal ones the tags come in their order, then the others by number. Throws std::out_of_range for a tag that `labels` lacks.
LMTX_API std::vector<Tag> roll_up(std::span<const Tag> tags, const LabelSet& labels, const RollUpOptions& options = {});

}  // namespace lmtx
