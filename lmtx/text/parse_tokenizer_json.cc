// Parses tokenizer.json, value by value: a vocabulary of a quarter of a million tokens is no tree of JSON values.
#include <array>
#include <limits>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json_events.h"
#include "lmtx/text/serde_number.h"
#include "lmtx/text/tokenizer_json.h"

namespace lmtx::detail {

namespace {

class Handler : public JsonEvents {
 public:
  explicit Handler(TokenizerJson& tokenizer) : tokenizer_(tokenizer) {}

  // All that went into the tree.
  Json take() { return tree_.take(); }

  bool null() override { return in_ == tree ? tree_.null() : scalar(nullptr); }
  bool boolean(bool value) override { return in_ == tree ? tree_.boolean(value) : scalar(value); }
  bool number_integer(number_integer_t value) override {
    return in_ == tree ? tree_.number_integer(value) : number(value, static_cast<double>(value), static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return in_ == tree ? tree_.number_unsigned(value) : number(value, static_cast<double>(value), static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return in_ == tree ? tree_.number_float(value, text) : number(value, serde_number(text), value);
  }
  bool string(string_t& text) override {
    if (in_ == tree) return tree_.string(text);
    if (in_ == merges) return merge_part(std::move(text));
    if (in_ != list || list_depth_ != 2 || has_token_) return scalar(text);
    token_ = std::move(text);
    return has_token_ = true;
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(size_t size) override {
    if (in_ != tree) return wrong_shape();
    if (!is_model_entry("vocab")) return open() && tree_.start_object(size);
    in_ = object;
    return true;
  }
  bool key(string_t& name) override {
    if (in_ == object) {
      token_ = std::move(name);
      return true;
    }
    if (depth_ <= path_.size()) path_[depth_ - 1] = name;
    return tree_.key(name);
  }
  bool end_object() override {
    if (in_ == tree) return close() && tree_.end_object();
    in_ = tree;
    return true;
  }

  bool start_array(size_t size) override {
    if (in_ == tree && is_model_entry("vocab")) in_ = list;
    if (in_ == tree && is_model_entry("merges")) in_ = merges;
    if (in_ == tree) return open() && tree_.start_array(size);
    return in_ == object || ++list_depth_ > 2 ? wrong_shape() : true;
  }
  bool end_array() override {
    if (in_ == tree) return close() && tree_.end_array();
    if (list_depth_ == 2 && (has_token_ || !merge_.empty())) return wrong_shape();
    if (--list_depth_ == 0) in_ = tree;
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  enum Place { tree, object, list, merges };

  bool is_model_entry(const char* name) const { return depth_ == 2 && path_[0] == "model" && path_[1] == name; }

  bool open() {
    if (++depth_ <= path_.size()) path_[depth_ - 1].clear();
    return true;
  }

  bool close() {
    --depth_;
    return true;
  }

  bool number(const Json& value, double score, double exact_score) {
    if (in_ != list || !has_token_) return scalar(value);
    tokenizer_.scores.emplace_back(std::move(token_), score);
    tokenizer_.exact_scores.push_back(exact_score);
    has_token_ = false;
    return true;
  }

  bool scalar(const Json& value) {
    if (in_ != object) return wrong_shape();
    tokenizer_.vocabulary[token_] = token_id(value, token_, tokenizer_.file + ": `model.vocab`");
    return true;
  }

  // "a b", or ["a", "b"]
  bool merge_part(std::string text) {
    if (list_depth_ == 2) {
      merge_.push_back(std::move(text));
      return merge_.size() < 2 || take_merge(std::move(merge_[0]), std::move(merge_[1]));
    }
    if (text.starts_with("#version")) return true;
    auto merge = parse_merge(text);
    return merge ? take_merge(std::move(merge->first), std::move(merge->second)) : wrong_shape();
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

  TokenizerJson& tokenizer_;
  JsonBuilder tree_;
  // How many containers of the tree are around what is parsed, and the keys that led into the outer ones.
  size_t depth_ = 0;
  std::array<std::string, 2> path_;
  Place in_ = tree;
  int list_depth_ = 0;
  std::string token_;
  bool has_token_ = false;
  std::vector<std::string> merge_;
};

}  // namespace

TokenizerJson parse_tokenizer_json(const std::filesystem::path& file) {
  TokenizerJson tokenizer{.file = file.string(), .json = {}, .vocabulary = {}, .scores = {}, .exact_scores = {}, .merges = {}};
  Handler handler(tokenizer);
  read_json_events(read_file(file, int64_t{1} << 30), tokenizer.file, handler);
  tokenizer.json = handler.take();
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
