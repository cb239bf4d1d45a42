#include "lmtx/train/asking_time.h"

#include <chrono>
#include <fstream>
#include <thread>

#include "catch.h"
#include "lmtx/detail/json.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;
using namespace std::chrono_literals;

TEST_CASE("the time of asking adds up over sessions") {
  const Folder folder("asking-time");
  const fs::path file = folder / "asking.json";
  {
    const AskingTime time(file);
    CHECK(time.seconds() < 1);
    std::this_thread::sleep_for(20ms);
  }
  double before = 0;
  {
    const AskingTime time(file);
    before = time.seconds();
    CHECK(before >= 0.02);
    std::this_thread::sleep_for(20ms);
  }
  CHECK(AskingTime(file).seconds() >= before + 0.02);
}

TEST_CASE("a damaged file of the time is refused") {
  const Folder folder("asking-time-damaged");
  const fs::path file = folder / "asking.json";
  {
    const AskingTime time(file);
  }
  detail::Json json = detail::read_json(file);
  json["seconds"] = 1e9;
  detail::write_json(file, json);
  CHECK_THROWS_WITH(AskingTime(file), ContainsSubstring(file.string()));
  json["format"] = 2;
  detail::write_json(file, json);
  CHECK_THROWS_WITH(AskingTime(file), ContainsSubstring("has format 2"));
}
