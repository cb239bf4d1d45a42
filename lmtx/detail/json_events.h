// JSON as it is read, event by event: for what would be too large as a tree of values. Internal: no public header includes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmtx/detail/json.h"
#include "lmtx/export.h"

namespace lmtx::detail {

using JsonEvents = nlohmann::json_sax<Json>;

// Parses text, and tells `events` what there is in it, in order. All JSON is read through this, with the limits and messages of parse_json(): what comes to
// `events` is within them, and parse_error() never comes.
LMTX_API void read_json_events(std::string_view text, const std::string& place, JsonEvents& events);

// Builds the document from its events. nlohmann's own builder looks through all members of an object for each new one, which takes hours for a million. Where
// the value of a key is not told, there is no such member.
class LMTX_API JsonBuilder : public JsonEvents {
 public:
  // `keep` as in parse_json(); must outlive this.
  explicit JsonBuilder(const Json::parser_callback_t* keep = nullptr) : keep_(keep && *keep ? keep : nullptr) {}

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
  bool key(string_t& key) override;
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  using Event = Json::parse_event_t;

  // An object or array whose end is to come.
  struct Frame {
    // Null where it is not kept. The parent gets no other part meanwhile, so that this one stays where it is.
    Json* container;
    // Of an object: the last key, and whether its value is wanted.
    std::string key;
    bool keeps_next = true;
  };

  bool wants(Event event, Json part) const { return !keep_ || (*keep_)(static_cast<int>(frames_.size()), event, part); }
  bool add_scalar(Json value);
  bool open(Event event, Json empty);
  bool close();
  // Where the value lies now; null where it is not kept.
  Json* add(Json value);

  const Json::parser_callback_t* keep_;
  Json root_;
  std::vector<Frame> frames_;
};

}  // namespace lmtx::detail
