#include "lmtx/detail/fault.h"

namespace lmtx::detail {

void fail(const std::string& place, const std::string& fault) { throw std::runtime_error(place + ": " + one_line(fault, 1000)); }

}  // namespace lmtx::detail
