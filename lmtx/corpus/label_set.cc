#include "lmtx/corpus/label_set.h"

#include <stdexcept>
#include <utility>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json_lines.h"
#include "lmtx/detail/quote.h"

namespace lmtx {

using detail::Json;

namespace {

Label to_label(const Json& object, const std::string& place) {
  Label label{.uid = detail::json_uid(object, "uid", place),
              .name = detail::json_string(object, "title", place),
              .description = detail::json_string_or(object, "description", "", place),
              .other_names = detail::json_strings_or_none(object, "alternatives", place),
              .broader = detail::json_uids_or_none(object, "broader", place)};
  if (label.name.empty()) throw std::runtime_error(place + ": `title` must not be empty.");
  return label;
}

Json to_json(const Label& label) {
  Json object{{"uid", label.uid}, {"title", label.name}};
  if (!label.description.empty()) object["description"] = label.description;
  if (!label.other_names.empty()) object["alternatives"] = label.other_names;
  if (!label.broader.empty()) object["broader"] = label.broader;
  return object;
}

std::string at(size_t position) { return "labels[" + std::to_string(position) + "]"; }

}  // namespace

LabelSet::LabelSet(std::vector<Label> labels) : labels_(std::move(labels)) {
  numbers_.reserve(labels_.size());
  for (size_t i = 0; i < labels_.size(); ++i) {
    const Label& label = labels_[i];
    if (label.uid.empty()) throw std::invalid_argument("`" + at(i) + "` must have a uid, but it is empty.");
    if (label.name.empty()) throw std::invalid_argument("`" + at(i) + "` (uid " + detail::quote(label.uid) + ") must have a name, but it is empty.");
    const auto [entry, is_new] = numbers_.try_emplace(label.uid, static_cast<int64_t>(i));
    if (!is_new) {
      throw std::invalid_argument("`" + at(i) + "` has the uid " + detail::quote(label.uid) + ", which " + at(static_cast<size_t>(entry->second)) + " has, too.");
    }
  }
}

LabelSet LabelSet::open(const std::filesystem::path& file) {
  std::vector<Label> labels;
  std::unordered_map<std::string, int64_t> lines_of_uids;
  detail::JsonLines lines(file);
  Json object;
  while (lines.next(object)) {
    labels.push_back(to_label(object, lines.place()));
    const std::string& uid = labels.back().uid;
    const auto [entry, is_new] = lines_of_uids.try_emplace(uid, lines.line_number());
    if (!is_new) throw std::runtime_error(lines.place() + ": the uid " + detail::quote(uid) + " is taken by line " + std::to_string(entry->second) + ".");
  }
  return LabelSet(std::move(labels));
}

void LabelSet::save(const std::filesystem::path& file) const {
  std::string text;
  for (size_t i = 0; i < labels_.size(); ++i) {
    try {
      text += to_json(labels_[i]).dump() + "\n";
    } catch (const Json::type_error&) {
      throw std::runtime_error("Cannot write " + file.string() + ": " + at(i) + " (uid " + detail::quote(labels_[i].uid) + ") holds text that is not UTF-8.");
    }
  }
  detail::write_file_atomically(file, text);
}

const Label& LabelSet::operator[](int64_t number) const {
  if (number < 0 || number >= size()) {
    throw std::out_of_range("A label number must be in [0, " + std::to_string(size()) + "), but is " + std::to_string(number) + " instead.");
  }
  return labels_[static_cast<size_t>(number)];
}

std::optional<int64_t> LabelSet::find(std::string_view uid) const {
  const auto entry = numbers_.find(std::string(uid));
  return entry == numbers_.end() ? std::nullopt : std::optional(entry->second);
}

std::string LabelSet::fingerprint() const {
  detail::Hasher hasher;
  const auto add_list = [&](const std::vector<std::string>& items) {
    hasher.add(static_cast<int64_t>(items.size()));
    for (const std::string& item : items) hasher.add(item);
  };
  hasher.add("lmtx labels 1");
  for (const Label& label : labels_) {
    hasher.add(label.uid).add(label.name).add(label.description);
    add_list(label.other_names);
    add_list(label.broader);
  }
  return detail::hex(hasher.finish());
}

}  // namespace lmtx
