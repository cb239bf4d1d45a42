#include "lmtx/detail/json.h"

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json_events.h"

namespace lmtx::detail {

namespace {

// Files that hold settings; tokenizers are read with a limit of their own.
constexpr int64_t max_file_bytes = int64_t{64} << 20;

const Json* find(const Json& object, const char* key, const std::string& place) {
  if (!object.is_object()) fail(place, "expected a JSON object, but found " + std::string(object.type_name()) + " instead.");
  const auto entry = object.find(key);
  return entry == object.end() || entry->is_null() ? nullptr : &*entry;
}

const Json& require(const Json& object, const char* key, const std::string& place) {
  const Json* value = find(object, key, place);
  if (!value) fail(place, "`" + std::string(key) + "` is missing.");
  return *value;
}

[[noreturn]] void wrong_type(const char* key, const char* expected, const Json& value, const std::string& place) {
  fail(place, "`" + std::string(key) + "` must be " + expected + ", but is " + value.type_name() + " instead.");
}

}  // namespace

Json parse_json(std::string_view text, const std::string& place, const Json::parser_callback_t& keep) {
  JsonBuilder builder(&keep);
  read_json_events(text, place, builder);
  return builder.take();
}

Json read_json(const std::filesystem::path& file) { return parse_json(read_file(file, max_file_bytes), file.string()); }

void write_json(const std::filesystem::path& file, const Json& json) {
  write_file_atomically(file, json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n");
}

std::string json_string(const Json& object, const char* key, const std::string& place) {
  const Json& value = require(object, key, place);
  if (!value.is_string()) wrong_type(key, "a string", value, place);
  return value.get<std::string>();
}

std::string json_string_or(const Json& object, const char* key, const std::string& otherwise, const std::string& place) {
  return find(object, key, place) ? json_string(object, key, place) : otherwise;
}

int64_t json_integer(const Json& object, const char* key, const std::string& place) {
  const Json& value = require(object, key, place);
  const bool fits = value.is_number_integer() && !(value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX));
  if (!fits) wrong_type(key, "an integer of 64 bits", value, place);
  return value.get<int64_t>();
}

int64_t json_integer_or(const Json& object, const char* key, int64_t otherwise, const std::string& place) {
  return find(object, key, place) ? json_integer(object, key, place) : otherwise;
}

double json_number_or(const Json& object, const char* key, double otherwise, const std::string& place) {
  const Json* value = find(object, key, place);
  if (!value) return otherwise;
  if (!value->is_number()) wrong_type(key, "a number", *value, place);
  return value->get<double>();
}

bool json_boolean(const Json& object, const char* key, const std::string& place) {
  const Json& value = require(object, key, place);
  if (!value.is_boolean()) wrong_type(key, "true or false", value, place);
  return value.get<bool>();
}

bool json_boolean_or(const Json& object, const char* key, bool otherwise, const std::string& place) {
  return find(object, key, place) ? json_boolean(object, key, place) : otherwise;
}

}  // namespace lmtx::detail
