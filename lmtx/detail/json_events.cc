#include "lmtx/detail/json_events.h"

#include <unordered_set>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

// Deeper documents could exhaust the stack when they are destroyed.
constexpr size_t max_depth = 100;
// What a text is parsed into takes up to thirty times its bytes: so many values, keys included, take half a gigabyte.
constexpr size_t max_values = size_t{1} << 23;

// What nlohmann says, without its "[json.exception.parse_error.101] " in front and without "line 1", which misleads where the text is one line of a file.
// It repeats what it read last, which may be long and no UTF-8.
std::string plain_message(const std::exception& error) {
  std::string text = error.what();
  if (const size_t end = text.find("] "); end != std::string::npos) text.erase(0, end + 2);
  if (const size_t line = text.find("at line 1, "); line != std::string::npos) text.erase(line + 3, 8);
  return one_line(text, 200);
}

// Passes on what the parser meets, as long as it is within the limits. nlohmann knows none, and lets the last of two equal keys win.
class Guard : public JsonEvents {
 public:
  Guard(const std::string& place, JsonEvents& events) : place_(place), events_(events) {}

  bool null() override { return count_value() && events_.null(); }
  bool boolean(bool value) override { return count_value() && events_.boolean(value); }
  bool number_integer(number_integer_t value) override { return count_value() && events_.number_integer(value); }
  bool number_unsigned(number_unsigned_t value) override { return count_value() && events_.number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) override { return count_value() && events_.number_float(value, text); }
  bool string(string_t& value) override { return count_value() && events_.string(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t size) override { return open() && events_.start_object(size); }
  bool start_array(size_t size) override { return open() && events_.start_array(size); }
  bool end_object() override { return close() && events_.end_object(); }
  bool end_array() override { return close() && events_.end_array(); }

  bool key(string_t& key) override {
    count_value();
    if (!keys_.back().insert(key).second) fail(place_, "the key " + quote(key) + " is there twice in one object.");
    return events_.key(key);
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override { fail(place_, "broken JSON: " + plain_message(error)); }

 private:
  bool count_value() {
    if (++num_values_ > max_values) fail(place_, "JSON has more than " + std::to_string(max_values) + " values.");
    return true;
  }

  bool open() {
    count_value();
    if (keys_.size() >= max_depth) fail(place_, "JSON is nested deeper than " + std::to_string(max_depth) + " levels.");
    keys_.emplace_back();
    return true;
  }

  bool close() {
    keys_.pop_back();
    return true;
  }

  const std::string& place_;
  JsonEvents& events_;
  // Those so far of each object or array whose end is to come.
  std::vector<std::unordered_set<std::string>> keys_;
  size_t num_values_ = 0;
};

}  // namespace

void read_json_events(std::string_view text, const std::string& place, JsonEvents& events) {
  Guard guard(place, events);
  Json::sax_parse(text.begin(), text.end(), &guard);
}

bool JsonBuilder::key(string_t& key) {
  Frame& frame = frames_.back();
  frame.keeps_next = !keep_ || wants(Event::key, Json(key));
  frame.key = std::move(key);
  return true;
}

bool JsonBuilder::add_scalar(Json value) {
  if (!keep_ || wants(Event::value, value)) add(std::move(value));
  return true;
}

bool JsonBuilder::open(Event event, Json empty) {
  Json* container = wants(event, Json(Json::value_t::discarded)) ? add(std::move(empty)) : nullptr;
  frames_.push_back({.container = container, .key = {}});
  return true;
}

bool JsonBuilder::close() {
  frames_.pop_back();
  return true;
}

Json* JsonBuilder::add(Json value) {
  if (frames_.empty()) return &(root_ = std::move(value));
  Frame& frame = frames_.back();
  if (!frame.container || !frame.keeps_next) return nullptr;
  if (frame.container->is_array()) return &frame.container->get_ref<Json::array_t&>().emplace_back(std::move(value));
  return &frame.container->get_ref<Json::object_t&>().emplace_back(std::move(frame.key), std::move(value)).second;
}

}  // namespace lmtx::detail
