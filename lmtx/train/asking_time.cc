#include "lmtx/train/asking_time.h"

#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/sealed_json.h"

namespace lmtx {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr int64_t newest_format = 1;
constexpr auto between_notes = 5s;

double seconds_in(const fs::path& file) {
  if (!fs::exists(file)) return 0;
  const detail::Json json = detail::read_json(file);
  if (const int64_t format = detail::json_integer(json, "format", file.string()); format > newest_format) {
    detail::fail(file.string(), "has format " + std::to_string(format) + ", but this version of LMTX reads up to " + std::to_string(newest_format) + ".");
  }
  detail::check_seal(json, file.string());
  const double seconds = detail::json_number_or(json, "seconds", 0, file.string());
  if (!(seconds >= 0)) detail::fail(file.string(), "`seconds` must be at least 0.");
  return seconds;
}

}  // namespace

AskingTime::AskingTime(fs::path file) : file_(std::move(file)), before_(seconds_in(file_)) {}

AskingTime::~AskingTime() {
  try {
    write();
  } catch (const std::exception&) {
    // The disk is full, or gone: what follows will say so.
  }
}

double AskingTime::seconds() const { return before_ + std::chrono::duration<double>(Clock::now() - begin_).count(); }

void AskingTime::note() {
  if (Clock::now() - written_ >= between_notes) write();
}

void AskingTime::write() {
  written_ = Clock::now();
  detail::write_json(file_, detail::sealed({{"format", newest_format}, {"seconds", seconds()}}));
}

}  // namespace lmtx
