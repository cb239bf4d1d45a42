// Calibrations within other files. Internal.
#pragma once

#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/eval/calibration.h"

namespace lmtx::detail {

// What Calibration::save writes, and what load reads; `place` goes into the message of std::runtime_error.
Json to_json(const Calibration& calibration);
Calibration read_calibration(const Json& object, const std::string& place);

}  // namespace lmtx::detail
