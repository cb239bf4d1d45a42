// Parses tokenizer.json, value by value: a vocabulary of a quarter of a million tokens is no tree of JSON values.
#include <limits>
#include <stdexcept>

#include "lmtx/detail/files.h"
#include "lmtx/text/serde_number.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

[[noreturn]] void fail(const std::string& place, const std::string& message) { throw std::runtime_error(place + ": " + message); }

class Handler : public Json::json_sax_t {
 public:
  explicit Handler(TokenizerJson& tokenizer) : tokenizer_(tokenizer) {}

  bool null() override { return value(nullptr); }
  bool boolean(bool value) override { return this->value(value); }
  bool number_integer(number_integer_t value) override { return number(value, static_cast<double>(value), static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(value, static_cast<double>(value), static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& text) override { return number(value, serde_number(text), value); }
  bool string(string_t& text) override {
    if (in_ == merges) return merge_part(std::move(text));
    if (in_ == list && list_depth_ == 2 && !has_token_) {
      token_ = std::move(text);
      return has_token_ = true;
    }
    return value(text);
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    if (in_ == tree && is_model_entry("vocab")) {
      in_ = object;
      return true;
    }
    return in_ == tree ? open(Json::object()) : wrong_shape();
  }
  bool key(string_t& name) override {
    (in_ == object ? token_ : keys_.back()) = std::move(name);
    return true;
  }
  bool end_object() override {
    if (in_ == tree) return close();
    in_ = tree;
    return true;
  }

  bool start_array(std::size_t) override {
    if (in_ == tree && is_model_entry("vocab")) in_ = list;
    if (in_ == tree && is_model_entry("merges")) in_ = merges;
    if (in_ == tree) return open(Json::array());
    return in_ == object || ++list_depth_ > 2 ? wrong_shape() : true;
  }
  bool end_array() override {
    if (in_ == tree) return close();
    if (list_depth_ == 2 && (has_token_ || merge_.size() % 2 != 0)) return wrong_shape();
    if (--list_depth_ == 0) in_ = tree;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override { broken_json(tokenizer_.file, error); }

 private:
  enum Place { tree, object, list, merges };
  static constexpr size_t max_depth = 100;

  bool is_model_entry(const char* name) const { return open_.size() == 2 && keys_[0] == "model" && keys_[1] == name; }

  bool number(Json value, double score, double exact_score) {
    if (in_ != list || !has_token_) return this->value(std::move(value));
    tokenizer_.scores.emplace_back(std::move(token_), score);
    tokenizer_.exact_scores.push_back(exact_score);
    has_token_ = false;
    return true;
  }

  bool value(Json value) {
    if (in_ == object) tokenizer_.vocabulary[token_] = token_id(value, token_, tokenizer_.file + ": `model.vocab`");
    if (in_ == list || in_ == merges) return wrong_shape();
    if (in_ == tree) put(std::move(value));
    return true;
  }

  // "a b", or ["a", "b"]
  bool merge_part(std::string text) {
    if (list_depth_ == 2) {
      merge_.push_back(std::move(text));
      if (merge_.size() == 2) take_merge(std::move(merge_[0]), std::move(merge_[1]));
      return true;
    }
    if (text.starts_with("#version")) return true;
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) return wrong_shape();
    return take_merge(text.substr(0, space), text.substr(space + 1));
  }

  bool take_merge(std::string left, std::string right) {
    tokenizer_.merges.emplace_back(std::move(left), std::move(right));
    merge_.clear();
    return true;
  }

  bool wrong_shape() const {
    const bool in_merges = in_ == merges;
    fail(tokenizer_.file,
         in_merges ? "`model.merges` must be a list of pairs of tokens." : "`model.vocab` must give each token an id, or list tokens with their scores.");
  }

  Json& put(Json value) {
    if (open_.empty()) return tokenizer_.json = std::move(value);
    Json& parent = *open_.back();
    if (parent.is_object()) return parent[keys_.back()] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }

  bool open(Json container) {
    if (open_.size() >= max_depth) fail(tokenizer_.file, "JSON is nested deeper than " + std::to_string(max_depth) + " levels.");
    open_.push_back(&put(std::move(container)));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  TokenizerJson& tokenizer_;
  // The containers around what is parsed, and in each the key that was last seen.
  std::vector<Json*> open_;
  std::vector<std::string> keys_;
  Place in_ = tree;
  int list_depth_ = 0;
  std::string token_;
  bool has_token_ = false;
  std::vector<std::string> merge_;
};

}  // namespace

TokenizerJson parse_tokenizer_json(const std::filesystem::path& file) {
  TokenizerJson tokenizer{.file = file.string(), .json = {}, .vocabulary = {}, .scores = {}, .exact_scores = {}, .merges = {}};
  const std::string text = read_file(file, int64_t{1} << 30);
  Handler handler(tokenizer);
  Json::sax_parse(text.begin(), text.end(), &handler);
  if (!tokenizer.json.is_object()) fail(tokenizer.file, "expected a JSON object, but found " + std::string(tokenizer.json.type_name()) + " instead.");
  return tokenizer;
}

int32_t token_id(const Json& value, const std::string& token, const std::string& place) {
  constexpr int64_t largest = std::numeric_limits<int32_t>::max() - 1;
  const bool fits = value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(largest);
  if (!fits)
    fail(place, "the id of the token \"" + token + "\" must be an integer from 0 to " + std::to_string(largest) + ", but is " + value.dump() + " instead.");
  return value.get<int32_t>();
}

const Json& require_list(const Json& object, const char* key, const std::string& place) {
  const auto entry = object.find(key);
  if (entry == object.end() || !entry->is_array()) fail(place, "`" + std::string(key) + "` must be a list.");
  return *entry;
}

const Json* find_part(const Json& json, const char* key, const std::string& place) {
  const auto entry = json.find(key);
  if (entry == json.end() || entry->is_null()) return nullptr;
  if (!entry->is_object()) fail(place, "`" + std::string(key) + "` must be an object, but is " + entry->type_name() + " instead.");
  return &*entry;
}

const Json& require_part(const Json& json, const char* key, const std::string& supported, const std::string& place) {
  const Json* part = find_part(json, key, place);
  if (!part) fail(place, "`" + std::string(key) + "` is not there, but only a \"" + supported + "\" is supported.");
  const std::string type = json_string(*part, "type", place + ": `" + key + "`");
  if (type != supported) fail(place, "`" + std::string(key) + "` is of the type \"" + type + "\", but only \"" + supported + "\" is supported.");
  return *part;
}

void refuse_setting(const Json& part, const char* key, const Json& by_default, const std::string& place) {
  const auto entry = part.find(key);
  if (entry == part.end() || entry->is_null() || *entry == by_default) return;
  fail(place, "`" + std::string(key) + "` is " + entry->dump() + ", but only " + by_default.dump() + " is supported.");
}

}  // namespace lmtx::detail
