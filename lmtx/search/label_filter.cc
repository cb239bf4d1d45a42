#include "lmtx/search/label_filter.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "lmtx/corpus/hierarchy.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/detail/quote.h"

namespace lmtx {
namespace {

using Numbers = std::vector<int64_t>;

void sort_once(Numbers& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

Numbers numbers_of(const LabelSet& labels, const std::vector<std::string>& uids) {
  Numbers numbers;
  for (const std::string& uid : uids) numbers.push_back(labels.number_of(uid));
  sort_once(numbers);
  return numbers;
}

[[noreturn]] void refuse_group(const std::string& group) { throw std::invalid_argument("No label is in the group " + detail::quote(group) + "."); }

Numbers group_of_members(const LabelSet& labels, const LabelChoice& choice, const std::string& group) {
  const auto members = choice.members.find(group);
  if (members == choice.members.end()) refuse_group(group);
  return numbers_of(labels, members->second);
}

Numbers group_of_field(const LabelSet& labels, const std::string& group) {
  Numbers numbers;
  for (auto label = labels.begin(); label != labels.end(); ++label) {
    if (std::find(label->groups.begin(), label->groups.end(), group) != label->groups.end()) numbers.push_back(label.number());
  }
  if (numbers.empty()) refuse_group(group);
  return numbers;
}

Numbers groups_of(const LabelSet& labels, const LabelChoice& choice) {
  Numbers numbers;
  for (const std::string& group : *choice.groups) {
    const Numbers in_it = choice.members.empty() ? group_of_field(labels, group) : group_of_members(labels, choice, group);
    numbers.insert(numbers.end(), in_it.begin(), in_it.end());
  }
  sort_once(numbers);
  return numbers;
}

Numbers branches_of(const LabelSet& labels, const std::vector<std::string>& uids) {
  const Hierarchy hierarchy(labels, {.ignore_unknown = true, .ignore_cycles = true});
  Numbers numbers = numbers_of(labels, uids);
  for (const int64_t top : numbers_of(labels, uids)) {
    const Numbers below = hierarchy.descendants(top);
    numbers.insert(numbers.end(), below.begin(), below.end());
  }
  sort_once(numbers);
  return numbers;
}

// Label numbers that meet all conditions so far.
class Allowed {
 public:
  void meet(Numbers numbers) {
    if (!any_condition_) {
      numbers_ = std::move(numbers);
    } else {
      Numbers both;
      std::set_intersection(numbers_.begin(), numbers_.end(), numbers.begin(), numbers.end(), std::back_inserter(both));
      numbers_ = std::move(both);
    }
    any_condition_ = true;
  }

  // An empty list would allow all: where nothing is allowed it holds a number that no label has.
  Numbers list() const { return any_condition_ && numbers_.empty() ? Numbers{-1} : numbers_; }

 private:
  bool any_condition_ = false;
  Numbers numbers_;
};

}  // namespace

LabelFilter choose_labels(const LabelSet& labels, const LabelChoice& choice) {
  Allowed allowed;
  if (choice.allow) allowed.meet(numbers_of(labels, *choice.allow));
  if (choice.groups) allowed.meet(groups_of(labels, choice));
  if (choice.within) allowed.meet(branches_of(labels, *choice.within));
  return {.allow = allowed.list(), .deny = numbers_of(labels, choice.deny)};
}

}  // namespace lmtx
