#include "lmtx/detail/json_lines.h"

#include <stdexcept>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

// `name` is the field's, or its place in a list, for messages.
std::string to_uid(const Json& value, const std::string& name, const std::string& place) {
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) fail(place, "`" + name + "` must be a string or an integer, but is " + value.type_name() + " instead.");
  std::string uid = value.get<std::string>();
  if (uid.empty()) fail(place, "`" + name + "` must not be empty.");
  return uid;
}

std::string to_string(const Json& value, const std::string& name, const std::string& place) {
  if (!value.is_string()) fail(place, "`" + name + "` must be a string, but is " + value.type_name() + " instead.");
  return value.get<std::string>();
}

template <typename Convert>
std::vector<std::string> list_or_none(const Json& object, const char* key, const std::string& place, Convert convert) {
  std::vector<std::string> items;
  if (!json_has(object, key)) return items;
  const Json& list = object[key];
  if (!list.is_array()) fail(place, "`" + std::string(key) + "` must be a list, but is " + list.type_name() + " instead.");
  items.reserve(list.size());
  for (const Json& item : list) items.push_back(convert(item, std::string(key) + "[" + std::to_string(items.size()) + "]", place));
  return items;
}

}  // namespace

bool JsonLines::skip() {
  do {
    if (!reader_.next(line_)) return false;
    if (reader_.line_number() == 1 && line_.starts_with(byte_order_mark)) line_.erase(0, byte_order_mark.size());
  } while (is_blank(line_));
  return true;
}

void JsonLines::parse(Json& object) const {
  if (const size_t byte = find_invalid_utf8(line_); byte != std::string::npos) {
    fail(place(), "the text is not UTF-8 (byte " + std::to_string(byte + 1) + " of the line).");
  }
  object = parse_json(line_, place());
  if (!object.is_object()) fail(place(), "expected a JSON object, but found " + std::string(object.type_name()) + " instead.");
}

bool JsonLines::next(Json& object) {
  if (!skip()) return false;
  parse(object);
  return true;
}

bool json_has(const Json& object, const char* key) {
  const auto entry = object.find(key);
  return entry != object.end() && !entry->is_null();
}

std::string json_uid(const Json& object, const char* key, const std::string& place) {
  if (!json_has(object, key)) fail(place, "`" + std::string(key) + "` is missing.");
  return to_uid(object[key], key, place);
}

std::vector<std::string> json_uids_or_none(const Json& object, const char* key, const std::string& place) {
  return list_or_none(object, key, place, to_uid);
}

std::vector<std::string> json_strings_or_none(const Json& object, const char* key, const std::string& place) {
  return list_or_none(object, key, place, to_string);
}

}  // namespace lmtx::detail
