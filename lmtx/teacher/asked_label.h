// Which of the labels that were asked an answer is about. Internal.
#pragma once

#include <cstddef>
#include <string_view>

#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

// The position in asked.labels of the label with this uid. Throws std::invalid_argument, naming document and label, where it was not asked.
size_t find_asked_label(const Question& asked, std::string_view uid);

}  // namespace lmtx
