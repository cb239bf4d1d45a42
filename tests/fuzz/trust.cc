// Calibrations and combinations: as they are, and with a checksum that fits what was changed in them.
#include "fuzz.h"
#include "lmtx/eval/calibration.h"
#include "lmtx/eval/combination.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

void use_calibration(const fs::path& file) {
  const Calibration calibration = Calibration::load(file);
  double before = 0;
  for (int i = 0; i <= 20; ++i) {
    const double value = calibration(i / 20.0);
    if (!(value >= before && value <= 1)) report("a calibration that falls, or leaves [0, 1]");
    before = value;
  }
}

void use_combination(const fs::path& file) {
  const Combination combination = Combination::load(file);
  const double value = combination(std::vector<double>(static_cast<size_t>(combination.num_teachers()), 0.7));
  if (!(value >= 0 && value <= 1)) report("a combination that leaves [0, 1]");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const fs::path file = scratch / "trust.json";
  write(file, "{}");
  replace_sealed(file, text_of(data, size), [&] { use_calibration(file); });
  replace_sealed(file, text_of(data, size), [&] { use_combination(file); });
  return 0;
}
