// The labels of a task. A label's number is its place in its LabelSet; it is never reused, so that indexes and stores can rely on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lmtx/corpus/shared_parts.h"
#include "lmtx/export.h"

namespace lmtx {

struct Label {
  // Unique within its LabelSet.
  std::string uid;
  std::string name;
  std::string description;
  std::vector<std::string> other_names;
  // Uids of broader labels.
  std::vector<std::string> broader;
  // Names of the groups that it is in.
  std::vector<std::string> groups = {};
};

// A value; const methods may be called from several threads. Labels that were removed keep their numbers, but are neither found nor iterated. New values share
// what they have in common: a change takes time by what changes, and little by the number of labels.
class LMTX_API LabelSet {
 public:
  LabelSet() = default;
  // Throws std::invalid_argument, naming both positions, for an empty name or uid, or a uid that occurs twice.
  explicit LabelSet(std::vector<Label> labels);

  // Labels of a file of JSON lines, `.gz` or plain: {"uid", "title", "description"?, "alternatives"?, "broader"?, "groups"?, "removed"?}. Throws
  // std::runtime_error naming the file and the line (both lines for a duplicate).
  static LabelSet open(const std::filesystem::path& file);
  // Writes such a file, removed labels included, so that it is there whole or not at all.
  void save(const std::filesystem::path& file) const;

  // Numbers given out, those of removed labels included: label numbers are smaller.
  int64_t size() const { return size_; }
  // Labels that are there.
  int64_t num_living() const { return num_living_; }
  // Whether the label of this number is there: false for a removed one, and for numbers that were never given out.
  bool is_living(int64_t number) const;
  // Throws std::out_of_range, also for a removed one.
  const Label& operator[](int64_t number) const;
  // The number of the label with this uid.
  std::optional<int64_t> find(std::string_view uid) const;
  // The same; throws std::invalid_argument where there is none.
  int64_t number_of(std::string_view uid) const;
  // A copy of all that are there, in order.
  std::vector<Label> labels() const { return {begin(), end()}; }

  // New values. All throw std::invalid_argument for labels that the constructor refuses.
  // Added labels get the numbers from size() on, also where a uid was in use before.
  LabelSet with_added(std::span<const Label> labels) const;
  // Throws std::out_of_range for a label that is not there.
  LabelSet with_removed(std::span<const int64_t> numbers) const;
  // labels[i] in the place of number numbers[i], with the same uid.
  LabelSet with_replaced(std::span<const int64_t> numbers, std::span<const Label> labels) const;

  // 32 hexadecimal digits that depend on every field of every label, in order, and on nothing else.
  std::string fingerprint() const;

  // Over the labels that are there, in order.
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Label;
    using difference_type = std::ptrdiff_t;
    using pointer = const Label*;
    using reference = const Label&;

    Iterator() = default;
    reference operator*() const { return set_->slot(number_).label; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      ++number_;
      skip();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return number_ == other.number_; }
    int64_t number() const { return number_; }

   private:
    friend class LabelSet;
    Iterator(const LabelSet& set, int64_t number) : set_(&set), number_(number) { skip(); }
    void skip() {
      while (number_ < set_->size_ && set_->slot(number_).removed) ++number_;
    }
    const LabelSet* set_ = nullptr;
    int64_t number_ = 0;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size_}; }

 private:
  struct Slot {
    Label label;
    bool removed = false;
  };
  class Changes;
  static constexpr int64_t slots_a_part = 1024;
  const Slot& slot(int64_t number) const { return slots_[static_cast<size_t>(number / slots_a_part)][static_cast<size_t>(number % slots_a_part)]; }
  size_t part_of(std::string_view uid) const { return std::hash<std::string_view>()(uid) % numbers_.size(); }
  void check_living(int64_t number) const;

  // slots_[p] holds the numbers from p * slots_a_part on.
  detail::SharedParts<std::vector<Slot>> slots_;
  // Of the labels that are there, numbers by uid, in the part that part_of() says.
  detail::SharedParts<std::unordered_map<std::string, int64_t>> numbers_;
  int64_t size_ = 0;
  int64_t num_living_ = 0;
};

}  // namespace lmtx
