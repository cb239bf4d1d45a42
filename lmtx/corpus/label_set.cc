#include "lmtx/corpus/label_set.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json_lines.h"
#include "lmtx/detail/quote.h"

namespace lmtx {

using detail::Json;

namespace {

// Uids a part of the numbers by uid: few enough to copy in microseconds.
constexpr int64_t uids_a_part = 256;

Label to_label(const Json& object, const std::string& place) {
  Label label{.uid = detail::json_uid(object, "uid", place),
              .name = detail::json_string(object, "title", place),
              .description = detail::json_string_or(object, "description", "", place),
              .other_names = detail::json_strings_or_none(object, "alternatives", place),
              .broader = detail::json_uids_or_none(object, "broader", place),
              .groups = detail::json_strings_or_none(object, "groups", place)};
  if (label.name.empty()) throw std::runtime_error(place + ": `title` must not be empty.");
  return label;
}

Json to_json(const Label& label, bool removed) {
  Json object{{"uid", label.uid}, {"title", label.name}};
  if (!label.description.empty()) object["description"] = label.description;
  if (!label.other_names.empty()) object["alternatives"] = label.other_names;
  if (!label.broader.empty()) object["broader"] = label.broader;
  if (!label.groups.empty()) object["groups"] = label.groups;
  if (removed) object["removed"] = true;
  return object;
}

std::string at(size_t position) { return "labels[" + std::to_string(position) + "]"; }

void add_list(detail::Hasher& hasher, const std::vector<std::string>& items) {
  hasher.add(static_cast<int64_t>(items.size()));
  for (const std::string& item : items) hasher.add(item);
}

void check_label(const Label& label, size_t position) {
  if (label.uid.empty()) throw std::invalid_argument("`" + at(position) + "` must have a uid, but it is empty.");
  if (!label.name.empty()) return;
  throw std::invalid_argument("`" + at(position) + "` (uid " + detail::quote(label.uid) + ") must have a name, but it is empty.");
}

}  // namespace

// What a set becomes: changes it in place, and copies what others share.
class LabelSet::Changes {
 public:
  // Room for `more` labels to come.
  Changes(LabelSet& set, int64_t more) : set_(set), slots_(set.slots_), numbers_(make_room(set, more)) {}

  // `position` is the label's place in what was given, for messages.
  void add(const Label& label, bool removed, size_t position) {
    check_label(label, position);
    if (!removed) {
      const auto [entry, is_new] = numbers_[set_.part_of(label.uid)].try_emplace(label.uid, set_.size_);
      if (!is_new) refuse_taken(label, position, entry->second);
    }
    if (set_.size_ % slots_a_part == 0) slots_.add().reserve(static_cast<size_t>(slots_a_part));
    slots_[static_cast<size_t>(set_.size_ / slots_a_part)].push_back({label, removed});
    ++set_.size_;
    set_.num_living_ += removed ? 0 : 1;
  }

  void remove(int64_t number) {
    set_.check_living(number);
    Slot& slot = slot_of(number);
    slot.removed = true;
    numbers_[set_.part_of(slot.label.uid)].erase(slot.label.uid);
    --set_.num_living_;
  }

  void replace(int64_t number, const Label& label, size_t position) {
    set_.check_living(number);
    check_label(label, position);
    Slot& slot = slot_of(number);
    if (slot.label.uid != label.uid) {
      throw std::invalid_argument("`" + at(position) + "` must have the uid " + detail::quote(slot.label.uid) + " of the label whose place it takes, but has " +
                                  detail::quote(label.uid) + " instead.");
    }
    slot.label = label;
  }

 private:
  using Numbers = detail::SharedParts<std::unordered_map<std::string, int64_t>>;

  // With more than four times the uids that a part is for the parts are made anew.
  static Numbers& make_room(LabelSet& set, int64_t more) {
    const int64_t uids = set.num_living_ + more;
    if (set.numbers_.size() > 0 && uids <= 4 * uids_a_part * static_cast<int64_t>(set.numbers_.size())) return set.numbers_;
    const Numbers before = std::exchange(set.numbers_, {});
    Numbers::Writer parts(set.numbers_);
    for (int64_t part = 0; part <= uids / uids_a_part; ++part) parts.add();
    for (size_t part = 0; part < before.size(); ++part) {
      for (const auto& [uid, number] : before[part]) parts[set.part_of(uid)].emplace(uid, number);
    }
    return set.numbers_;
  }

  Slot& slot_of(int64_t number) { return slots_[static_cast<size_t>(number / slots_a_part)][static_cast<size_t>(number % slots_a_part)]; }

  // Positions in what was given where there was nothing before, else the label that was there.
  [[noreturn]] void refuse_taken(const Label& label, size_t position, int64_t number) const {
    const auto offset = set_.size_ - static_cast<int64_t>(position);
    const std::string owner = number >= offset ? at(static_cast<size_t>(number - offset)) : "label number " + std::to_string(number);
    throw std::invalid_argument("`" + at(position) + "` has the uid " + detail::quote(label.uid) + ", which " + owner + " has, too.");
  }

  LabelSet& set_;
  detail::SharedParts<std::vector<Slot>>::Writer slots_;
  Numbers::Writer numbers_;
};

LabelSet::LabelSet(std::vector<Label> labels) {
  Changes changes(*this, static_cast<int64_t>(labels.size()));
  for (size_t i = 0; i < labels.size(); ++i) changes.add(labels[i], /*removed=*/false, i);
}

LabelSet LabelSet::open(const std::filesystem::path& file) {
  std::vector<std::pair<Label, bool>> labels;
  std::unordered_map<std::string, int64_t> lines_of_uids;
  detail::JsonLines lines(file);
  Json object;
  while (lines.next(object)) {
    const bool removed = detail::json_boolean_or(object, "removed", false, lines.place());
    labels.emplace_back(to_label(object, lines.place()), removed);
    if (removed) continue;
    const std::string& uid = labels.back().first.uid;
    const auto [entry, is_new] = lines_of_uids.try_emplace(uid, lines.line_number());
    if (!is_new) throw std::runtime_error(lines.place() + ": the uid " + detail::quote(uid) + " is taken by line " + std::to_string(entry->second) + ".");
  }
  LabelSet set;
  Changes changes(set, static_cast<int64_t>(lines_of_uids.size()));
  for (size_t i = 0; i < labels.size(); ++i) changes.add(labels[i].first, labels[i].second, i);
  return set;
}

void LabelSet::save(const std::filesystem::path& file) const {
  std::string text;
  for (int64_t i = 0; i < size_; ++i) {
    try {
      text += to_json(slot(i).label, slot(i).removed).dump() + "\n";
    } catch (const Json::type_error&) {
      throw std::runtime_error("Cannot write " + file.string() + ": " + at(static_cast<size_t>(i)) + " (uid " + detail::quote(slot(i).label.uid) +
                               ") holds text that is not UTF-8.");
    }
  }
  detail::write_file_atomically(file, text);
}

bool LabelSet::is_living(int64_t number) const { return number >= 0 && number < size_ && !slot(number).removed; }

void LabelSet::check_living(int64_t number) const {
  if (number < 0 || number >= size()) {
    throw std::out_of_range("A label number must be in [0, " + std::to_string(size()) + "), but is " + std::to_string(number) + " instead.");
  }
  if (slot(number).removed) {
    throw std::out_of_range("Label number " + std::to_string(number) + " (uid " + detail::quote(slot(number).label.uid) + ") was removed.");
  }
}

const Label& LabelSet::operator[](int64_t number) const {
  check_living(number);
  return slot(number).label;
}

std::optional<int64_t> LabelSet::find(std::string_view uid) const {
  if (numbers_.size() == 0) return std::nullopt;
  const auto& part = numbers_[part_of(uid)];
  const auto entry = part.find(std::string(uid));
  return entry == part.end() ? std::nullopt : std::optional(entry->second);
}

int64_t LabelSet::number_of(std::string_view uid) const {
  const std::optional<int64_t> number = find(uid);
  if (!number) throw std::invalid_argument("No label has the uid " + detail::quote(std::string(uid)) + ".");
  return *number;
}

LabelSet LabelSet::with_added(std::span<const Label> labels) const {
  LabelSet set = *this;
  Changes changes(set, static_cast<int64_t>(labels.size()));
  for (size_t i = 0; i < labels.size(); ++i) changes.add(labels[i], /*removed=*/false, i);
  return set;
}

LabelSet LabelSet::with_removed(std::span<const int64_t> numbers) const {
  LabelSet set = *this;
  Changes changes(set, 0);
  for (const int64_t number : numbers) changes.remove(number);
  return set;
}

LabelSet LabelSet::with_replaced(std::span<const int64_t> numbers, std::span<const Label> labels) const {
  if (numbers.size() != labels.size()) {
    throw std::invalid_argument("`labels` must have one label for each of the " + std::to_string(numbers.size()) + " numbers, but has " +
                                std::to_string(labels.size()) + " instead.");
  }
  LabelSet set = *this;
  Changes changes(set, 0);
  for (size_t i = 0; i < numbers.size(); ++i) changes.replace(numbers[i], labels[i], i);
  return set;
}

std::string LabelSet::fingerprint() const {
  detail::Hasher hasher, later;
  hasher.add("lmtx labels 1");
  bool any_later = false;
  for (int64_t i = 0; i < size_; ++i) {
    const auto& [label, removed] = slot(i);
    hasher.add(label.uid).add(label.name).add(label.description);
    add_list(hasher, label.other_names);
    add_list(hasher, label.broader);
    // What came later changes no fingerprint of sets without it.
    add_list(later, label.groups);
    later.add(static_cast<int64_t>(removed));
    any_later = any_later || removed || !label.groups.empty();
  }
  // No uid is empty.
  if (any_later) hasher.add("").add(detail::hex(later.finish()));
  return detail::hex(hasher.finish());
}

}  // namespace lmtx
