#include "lmtx/roll_up.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace lmtx {

namespace {

// All that is broader than a label, ascending; the label itself only where it is in a circle.
std::set<int64_t> ancestors_of(int64_t number, const LabelSet& labels) {
  std::set<int64_t> found;
  std::vector<int64_t> open = {number};
  while (!open.empty()) {
    const Label& label = labels[open.back()];
    open.pop_back();
    for (const std::string& uid : label.broader) {
      const std::optional<int64_t> broader = labels.find(uid);
      if (broader && found.insert(*broader).second) open.push_back(*broader);
    }
  }
  return found;
}

std::vector<Tag> without_ancestors(std::span<const Tag> tags, const LabelSet& labels) {
  std::set<int64_t> broader;
  for (const Tag& tag : tags) {
    // In a circle each is broader than the others, and none goes for it.
    for (const int64_t ancestor : ancestors_of(tag.number, labels)) {
      if (!ancestors_of(ancestor, labels).contains(tag.number)) broader.insert(ancestor);
    }
  }
  std::vector<Tag> left;
  std::copy_if(tags.begin(), tags.end(), std::back_inserter(left), [&](const Tag& tag) { return !broader.contains(tag.number); });
  return left;
}

void raise(Tag& tag, const Tag& narrower) {
  tag.score = std::max(tag.score, narrower.score);
  if (narrower.probability) tag.probability = std::max(tag.probability.value_or(0), *narrower.probability);
}

Tag as_tag(int64_t number, const Label& label, const Tag& narrower) {
  return {.number = number, .uid = label.uid, .label = label.name, .score = narrower.score, .probability = narrower.probability};
}

bool is_better(const Tag& a, const Tag& b) {
  const float of_a = a.probability.value_or(-1), of_b = b.probability.value_or(-1);
  return of_a != of_b ? of_a > of_b : a.score > b.score;
}

}  // namespace

std::vector<Tag> roll_up(std::span<const Tag> tags, const LabelSet& labels, const RollUpOptions& options) {
  if (options.drop_ancestors) return without_ancestors(tags, labels);
  std::vector<Tag> all(tags.begin(), tags.end());
  std::unordered_map<int64_t, size_t> place;
  for (size_t i = 0; i < all.size(); ++i) place.emplace(all[i].number, i);
  std::map<int64_t, Tag> added;
  for (const Tag& tag : tags) {
    for (const int64_t number : ancestors_of(tag.number, labels)) {
      const auto own = place.find(number);
      if (own == place.end()) {
        raise(added.try_emplace(number, as_tag(number, labels[number], tag)).first->second, tag);
      } else {
        raise(all[own->second], tag);
      }
    }
  }
  for (auto& [number, tag] : added) all.push_back(std::move(tag));
  std::stable_sort(all.begin(), all.end(), is_better);
  return all;
}

}  // namespace lmtx
