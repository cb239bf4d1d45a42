// Makes the golden files of tests/formats/v1: run once by hand before a format's first release, never to make a test pass.
//   ninja -C build lmtx_make_formats && build/tests/cpp/lmtx_make_formats tests/formats/v1
#include <ATen/Parallel.h>

#include <cstdio>

#include "formats/valid_files.h"

using namespace lmtx::test;

int main(int argc, char* argv[]) {
  if (argc != 2 || fs::exists(argv[1])) {
    std::fprintf(stderr, "usage: lmtx_make_formats FOLDER, which must not be there yet\n");
    return 2;
  }
  at::set_num_threads(1);
  const fs::path folder = argv[1];
  make_valid_files(folder);
  lmtx::detail::Json expected = lmtx::detail::Json::object();
  for (const Format& format : formats()) expected[format.name] = format.read(folder);
  fs::remove(folder / "judgments.db.exported");
  lmtx::detail::write_json(folder / "expected.json", expected);
}
