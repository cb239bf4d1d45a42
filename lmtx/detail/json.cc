#include "lmtx/detail/json.h"

#include <stdexcept>
#include <unordered_set>
#include <utility>
#include <vector>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

// Deeper documents could exhaust the stack when they are destroyed.
constexpr size_t max_depth = 100;
// What a text is parsed into takes up to thirty times its bytes: so many values, keys included, take half a gigabyte.
constexpr size_t max_values = size_t{1} << 23;
// Files that hold settings; tokenizers are read with a limit of their own.
constexpr int64_t max_file_bytes = int64_t{64} << 20;

// What nlohmann says, without its "[json.exception.parse_error.101] " in front and without "line 1", which misleads where the text is one line of a file.
// It repeats what it read last, which may be long and no UTF-8.
std::string plain_message(const std::exception& error) {
  std::string text = error.what();
  if (const size_t end = text.find("] "); end != std::string::npos) text.erase(0, end + 2);
  if (const size_t line = text.find("at line 1, "); line != std::string::npos) text.erase(line + 3, 8);
  return one_line(text, 200);
}

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

// Builds the document from what the parser meets. nlohmann's own builder looks through all members of an object for each new one, which takes hours for a
// million, lets the last of two equal keys win, and knows no limits.
class Builder : public nlohmann::json_sax<Json> {
 public:
  using Event = Json::parse_event_t;

  Builder(const std::string& place, const Json::parser_callback_t& keep) : place_(place), keep_(keep) {}

  Json take() { return std::move(root_); }

  bool null() override { return add_scalar(nullptr); }
  bool boolean(bool value) override { return add_scalar(value); }
  bool number_integer(number_integer_t value) override { return add_scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return add_scalar(value); }
  bool number_float(number_float_t value, const string_t&) override { return add_scalar(value); }
  bool string(string_t& value) override { return add_scalar(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Event::object_start, Json::object()); }
  bool start_array(size_t) override { return open(Event::array_start, Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    count_value();
    Frame& frame = frames_.back();
    if (!frame.keys.insert(key).second) fail(place_, "the key " + quote(key) + " is there twice in one object.");
    frame.keeps_next = !keep_ || wants(Event::key, Json(key));
    frame.key = std::move(key);
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override { fail(place_, "broken JSON: " + plain_message(error)); }

 private:
  // An object or array whose end is to come.
  struct Frame {
    // Null where it is not kept. The parent gets no other part meanwhile, so that this one stays where it is.
    Json* container;
    // Of an object: those so far, and the last one with whether its value is wanted.
    std::unordered_set<std::string> keys;
    std::string key;
    bool keeps_next = true;
  };

  void count_value() {
    if (++num_values_ > max_values) fail(place_, "JSON has more than " + std::to_string(max_values) + " values.");
  }

  bool wants(Event event, Json part) const { return keep_(static_cast<int>(frames_.size()), event, part); }

  bool add_scalar(Json value) {
    count_value();
    if (!keep_ || wants(Event::value, value)) add(std::move(value));
    return true;
  }

  bool open(Event event, Json empty) {
    count_value();
    if (frames_.size() >= max_depth) fail(place_, "JSON is nested deeper than " + std::to_string(max_depth) + " levels.");
    Json* container = !keep_ || wants(event, Json(Json::value_t::discarded)) ? add(std::move(empty)) : nullptr;
    frames_.push_back({.container = container, .keys = {}, .key = {}});
    return true;
  }

  bool close() {
    frames_.pop_back();
    return true;
  }

  // Where the value lies now; null where it is not kept.
  Json* add(Json value) {
    if (frames_.empty()) return &(root_ = std::move(value));
    Frame& frame = frames_.back();
    if (!frame.container || !frame.keeps_next) return nullptr;
    if (frame.container->is_array()) return &frame.container->get_ref<Json::array_t&>().emplace_back(std::move(value));
    return &frame.container->get_ref<Json::object_t&>().emplace_back(std::move(frame.key), std::move(value)).second;
  }

  const std::string& place_;
  const Json::parser_callback_t& keep_;
  Json root_;
  std::vector<Frame> frames_;
  size_t num_values_ = 0;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& place, const Json::parser_callback_t& keep) {
  Builder builder(place, keep);
  Json::sax_parse(text.begin(), text.end(), &builder);
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
