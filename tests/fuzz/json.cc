// JSON, as every reader of it sees it.
#include "fuzz.h"

using namespace lmtx;
using namespace lmtx::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  expect_one_line("place.json", [&] {
    const Json json = detail::parse_json(text_of(data, size), "place.json");
    // What was read can be written, and reads the same.
    if (detail::parse_json(json.dump(), "again") != json) report("another document after it was written and read");
    if (!json.is_object()) return;
    for (const auto& [key, value] : json.items()) {
      expect_one_line("place.json", [&, &key = key] { detail::json_integer(json, key.c_str(), "place.json"); });
      expect_one_line("place.json", [&, &key = key] { detail::json_string_or(json, key.c_str(), "", "place.json"); });
      expect_one_line("place.json", [&, &key = key] { detail::json_number_or(json, key.c_str(), 0, "place.json"); });
    }
  });
  return 0;
}
