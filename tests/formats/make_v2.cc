// Makes the golden files of tests/formats/v2: run once by hand before a format's first release, never to make a test pass.
//   ninja -C build lmtx_make_formats_v2 && build/tests/cpp/lmtx_make_formats_v2 tests/formats/v2
#include <cstdio>

#include "formats/store_files.h"

using namespace lmtx::test;

int main(int argc, char* argv[]) {
  if (argc != 2 || fs::exists(argv[1])) {
    std::fprintf(stderr, "usage: lmtx_make_formats_v2 FOLDER, which must not be there yet\n");
    return 2;
  }
  const fs::path folder = argv[1];
  make_store_files(folder);
  const lmtx::detail::Json expected = read_store_file(folder / "judgments.db");
  fs::remove(folder / "judgments.db.exported");
  lmtx::detail::write_json(folder / "expected.json", expected);
}
