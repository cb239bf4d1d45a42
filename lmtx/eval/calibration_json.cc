// Files of calibrations: docs/formats/calibration.md.
#include "lmtx/eval/calibration_json.h"

#include <cmath>
#include <string>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"
#include "lmtx/detail/sealed_json.h"

namespace lmtx {

using detail::fail;
using detail::Json;
namespace {

constexpr int64_t newest_format = 1;

double read_number(const Json& object, const char* key, const std::string& place) {
  const double value = detail::json_number_or(object, key, std::nan(""), place);
  if (!std::isfinite(value)) fail(place, detail::quote(key) + " must be a number, but is missing or not finite.");
  return value;
}

std::vector<double> read_numbers(const Json& object, const char* key, const std::string& place) {
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array() || list->empty()) fail(place, detail::quote(key) + " must be a list of numbers.");
  std::vector<double> numbers;
  for (const Json& value : *list) {
    if (!value.is_number()) fail(place, detail::quote(key) + " must be a list of numbers, but holds a " + value.type_name() + ".");
    numbers.push_back(value.get<double>());
    const double number = numbers.back();
    if (!(number >= 0 && number <= 1)) fail(place, detail::quote(key) + " must hold numbers in [0, 1], but holds " + std::to_string(number) + ".");
  }
  return numbers;
}

RisingLine read_line(const Json& object, const std::string& place) {
  RisingLine line{.x = read_numbers(object, "x", place), .y = read_numbers(object, "y", place)};
  if (line.x.size() != line.y.size()) {
    fail(place, "`x` and `y` must have the same length, but have " + std::to_string(line.x.size()) + " and " + std::to_string(line.y.size()) + ".");
  }
  for (size_t i = 1; i < line.x.size(); ++i) {
    if (!(line.x[i] > line.x[i - 1]) || line.y[i] < line.y[i - 1])
      fail(place, "`x` must rise and `y` must not fall, but entry " + std::to_string(i) + " of them does otherwise.");
  }
  return line;
}

int64_t read_count(const Json& object, const char* key, const std::string& place) {
  const int64_t count = detail::json_integer_or(object, key, 0, place);
  if (count < 0) fail(place, detail::quote(key) + " must not be negative, but is " + std::to_string(count) + " instead.");
  return count;
}

void check_format(const Json& object, const std::string& place) {
  if (!object.is_object()) fail(place, "a calibration must be an object, but is " + std::string(object.type_name()) + " instead.");
  const int64_t format = detail::json_integer(object, "format", place);
  if (format > newest_format) {
    fail(place, "the calibration has format " + std::to_string(format) + ", but this version of LMTX reads up to format " + std::to_string(newest_format) +
                    "; a newer version is needed.");
  }
  if (format < 1) fail(place, "`format` must be at least 1, but is " + std::to_string(format) + " instead.");
  detail::check_seal(object, place);
}

}  // namespace

struct CalibrationJson {
  static Calibration::Sigmoid read_sigmoid(const Json& object, const std::string& place) {
    const Calibration::Sigmoid sigmoid{.slope = read_number(object, "slope", place), .offset = read_number(object, "offset", place)};
    if (sigmoid.slope < 0) fail(place, "`slope` must not be negative, but is " + std::to_string(sigmoid.slope) + " instead.");
    return sigmoid;
  }

  static Calibration read(const Json& object, const std::string& place) {
    check_format(object, place);
    const std::string name = detail::json_string(object, "kind", place);
    const int64_t pairs = read_count(object, "pairs", place), yeses = read_count(object, "yeses", place);
    const std::string teacher = detail::json_string_or(object, "teacher", "", place);
    for (const CalibrationKind kind : {CalibrationKind::shift, CalibrationKind::platt}) {
      if (name == to_string(kind)) return Calibration(kind, read_sigmoid(object, place), pairs, yeses).for_teacher(teacher);
    }
    if (name == to_string(CalibrationKind::isotonic))
      return Calibration(CalibrationKind::isotonic, read_line(object, place), pairs, yeses).for_teacher(teacher);
    fail(place, "`kind` must be shift, platt or isotonic, but is " + detail::quote(name) + " instead.");
  }

  static Json write(const Calibration& calibration) {
    Json object = {{"format", newest_format}, {"kind", to_string(calibration.kind())}};
    if (!calibration.teacher().empty()) object["teacher"] = calibration.teacher();
    if (const RisingLine* line = calibration.line()) {
      object["x"] = line->x;
      object["y"] = line->y;
    } else {
      object["slope"] = calibration.sigmoid()->slope;
      object["offset"] = calibration.sigmoid()->offset;
    }
    object["pairs"] = calibration.pairs();
    object["yeses"] = calibration.yeses();
    return detail::sealed(std::move(object));
  }
};

namespace detail {

Json to_json(const Calibration& calibration) { return CalibrationJson::write(calibration); }
Calibration read_calibration(const Json& object, const std::string& place) { return CalibrationJson::read(object, place); }

}  // namespace detail

Calibration Calibration::load(const std::filesystem::path& file) { return CalibrationJson::read(detail::read_json(file), file.string()); }
void Calibration::save(const std::filesystem::path& file) const { detail::write_json(file, CalibrationJson::write(*this)); }

}  // namespace lmtx
