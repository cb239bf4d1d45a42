// Training options as JSON: an object with one member an option, by name.
#pragma once

#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/export.h"
#include "lmtx/train/options.h"

namespace lmtx::detail {

// All options, in the order of describe().
LMTX_API Json options_to_json(const TrainerOptions& options);
// Options that `json` leaves out keep their defaults. Throws std::runtime_error with `place` and the option that is unknown or has a wrong value.
LMTX_API TrainerOptions options_from_json(const Json& json, const std::string& place);

}  // namespace lmtx::detail
