#include "lmtx/corpus/hierarchy.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_set>

#include "lmtx/corpus/label_set.h"
#include "lmtx/detail/quote.h"

namespace lmtx {

std::span<const int64_t> Hierarchy::Links::of(int64_t label) const {
  return std::span(neighbors).subspan(static_cast<size_t>(offsets[label]), static_cast<size_t>(offsets[label + 1] - offsets[label]));
}

Hierarchy::Links Hierarchy::Links::without_holes() const {
  Links kept{.offsets = {0}, .neighbors = {}};
  for (int64_t label = 0; label + 1 < static_cast<int64_t>(offsets.size()); ++label) {
    const auto all = of(label);
    std::copy_if(all.begin(), all.end(), std::back_inserter(kept.neighbors), [](int64_t neighbor) { return neighbor >= 0; });
    kept.offsets.push_back(static_cast<int64_t>(kept.neighbors.size()));
  }
  return kept;
}

Hierarchy::Links Hierarchy::Links::turned_round() const {
  Links turned{.offsets = std::vector<int64_t>(offsets.size()), .neighbors = std::vector<int64_t>(neighbors.size())};
  for (const int64_t neighbor : neighbors) ++turned.offsets[neighbor + 1];
  std::partial_sum(turned.offsets.begin(), turned.offsets.end(), turned.offsets.begin());
  std::vector<int64_t> ends(turned.offsets.begin(), turned.offsets.end() - 1);
  for (int64_t label = 0; label + 1 < static_cast<int64_t>(offsets.size()); ++label) {
    for (const int64_t neighbor : of(label)) turned.neighbors[ends[neighbor]++] = label;
  }
  return turned;
}

// Looks for circles from broader label to broader label, depth first without recursion; may take out the links that close one.
class Hierarchy::Search {
 public:
  Search(const LabelSet& labels, Links& up, bool take_out) : labels_(labels), up_(up), take_out_(take_out), states_(up.offsets.size(), new_label) {}

  // Links taken out become -1.
  void run() {
    for (int64_t label = 0; label + 1 < static_cast<int64_t>(up_.offsets.size()); ++label) {
      if (states_[label] == new_label) walk_from(label);
    }
  }

 private:
  enum State : uint8_t { new_label, on_path, done };

  void walk_from(int64_t start) {
    enter(start);
    while (!path_.empty()) {
      const int64_t label = path_.back();
      if (next_.back() == up_.offsets[label + 1]) {
        states_[label] = done;
        path_.pop_back();
        next_.pop_back();
        continue;
      }
      int64_t& link = up_.neighbors[next_.back()++];
      if (states_[link] == new_label) {
        enter(link);
      } else if (states_[link] == on_path) {
        if (!take_out_) refuse(link);
        link = -1;
      }
    }
  }

  void enter(int64_t label) {
    states_[label] = on_path;
    path_.push_back(label);
    next_.push_back(up_.offsets[label]);
  }

  [[noreturn]] void refuse(int64_t first) const {
    std::string circle;
    for (auto label = std::find(path_.begin(), path_.end(), first); label != path_.end(); ++label) circle += detail::quote(labels_[*label].uid) + " -> ";
    throw std::invalid_argument("The broader labels lead round in a circle: " + circle + detail::quote(labels_[first].uid) + ".");
  }

  const LabelSet& labels_;
  Links& up_;
  bool take_out_;
  std::vector<State> states_;
  // The labels that we came along, and of each the next link to follow.
  std::vector<int64_t> path_, next_;
};

namespace {

std::optional<int64_t> find_broader(const LabelSet& labels, const Label& label, const std::string& uid, bool ignore_unknown) {
  const std::optional<int64_t> found = labels.find(uid);
  if (!found && !ignore_unknown) {
    throw std::invalid_argument("Label " + detail::quote(label.uid) + " has the broader label " + detail::quote(uid) + ", which is not among the labels.");
  }
  return found;
}

// Sorted, each once.
std::vector<int64_t> broader_of(const LabelSet& labels, const Label& label, bool ignore_unknown) {
  std::vector<int64_t> numbers;
  for (const std::string& uid : label.broader) {
    if (const auto number = find_broader(labels, label, uid, ignore_unknown)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace

Hierarchy::Hierarchy(const LabelSet& labels, const HierarchyOptions& options) {
  up_.offsets.push_back(0);
  for (int64_t label = 0; label < labels.size(); ++label) {
    const std::vector<int64_t> broader = broader_of(labels, labels[label], options.ignore_unknown);
    up_.neighbors.insert(up_.neighbors.end(), broader.begin(), broader.end());
    up_.offsets.push_back(static_cast<int64_t>(up_.neighbors.size()));
  }
  Search(labels, up_, options.ignore_cycles).run();
  up_ = up_.without_holes();
  down_ = up_.turned_round();
}

void Hierarchy::check(int64_t label) const {
  if (label >= 0 && label < size()) return;
  throw std::out_of_range("A label number must be in [0, " + std::to_string(size()) + "), but is " + std::to_string(label) + " instead.");
}

std::span<const int64_t> Hierarchy::broader(int64_t label) const {
  check(label);
  return up_.of(label);
}

std::span<const int64_t> Hierarchy::narrower(int64_t label) const {
  check(label);
  return down_.of(label);
}

// Level by level.
std::vector<int64_t> Hierarchy::reach(const Links& links, int64_t label) const {
  check(label);
  std::vector<int64_t> reached, level{label};
  std::unordered_set<int64_t> seen{label};
  while (!level.empty()) {
    std::vector<int64_t> next;
    for (const int64_t from : level) {
      for (const int64_t to : links.of(from)) {
        if (seen.insert(to).second) next.push_back(to);
      }
    }
    std::sort(next.begin(), next.end());
    reached.insert(reached.end(), next.begin(), next.end());
    level = std::move(next);
  }
  return reached;
}

std::vector<int64_t> Hierarchy::ancestors(int64_t label) const { return reach(up_, label); }

std::vector<int64_t> Hierarchy::descendants(int64_t label) const { return reach(down_, label); }

int64_t Hierarchy::depth(int64_t label) const {
  check(label);
  std::vector<int64_t> level{label};
  std::unordered_set<int64_t> seen{label};
  for (int64_t steps = 0;; ++steps) {
    std::vector<int64_t> next;
    for (const int64_t from : level) {
      if (up_.of(from).empty()) return steps;
      for (const int64_t to : up_.of(from)) {
        if (seen.insert(to).second) next.push_back(to);
      }
    }
    level = std::move(next);
  }
}

}  // namespace lmtx
