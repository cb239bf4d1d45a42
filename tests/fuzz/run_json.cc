// JSON files of a work folder.
#include "fuzz.h"
#include "lmtx/train/report.h"
#include "lmtx/train/work_folder.h"

using namespace lmtx;
using namespace lmtx::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch("run/cycle-0");
  const fs::path folder = scratch.files();
  write(folder / "run.json", "");
  replace_sealed(folder / "run.json", text_of(data, size), [&] { WorkFolder(folder).manifest(); });
  replace_sealed(folder / "cycle.json", text_of(data, size), [&] {
    const fs::path file = folder / "cycle.json";
    report_from_json(read(file), file.string()).to_string();
  });
  return 0;
}
