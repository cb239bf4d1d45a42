#include "lmtx/compute_dtype.h"

#include <stdexcept>
#include <string>

namespace lmtx {
namespace {

constexpr ComputeDtype all[] = {ComputeDtype::float32, ComputeDtype::int8, ComputeDtype::bfloat16, ComputeDtype::float16};

}  // namespace

std::string_view name_of(ComputeDtype dtype) {
  switch (dtype) {
    case ComputeDtype::float32: return "float32";
    case ComputeDtype::int8: return "int8";
    case ComputeDtype::bfloat16: return "bfloat16";
    case ComputeDtype::float16: return "float16";
  }
  throw std::logic_error("unknown dtype: this is a bug in LMTX");
}

ComputeDtype parse_compute_dtype(std::string_view name) {
  std::string choices;
  for (const ComputeDtype dtype : all) {
    if (name == name_of(dtype)) return dtype;
    choices += (choices.empty() ? "\"" : ", \"") + std::string(name_of(dtype)) + "\"";
  }
  throw std::invalid_argument("`dtype` must be one of " + choices + ", but is \"" + std::string(name) + "\" instead.");
}

}  // namespace lmtx
