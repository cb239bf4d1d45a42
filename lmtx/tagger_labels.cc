// Taggers with other labels.
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "lmtx/detail/label_texts.h"
#include "lmtx/detail/quote.h"
#include "lmtx/encoder.h"
#include "lmtx/search/label_index.h"
#include "lmtx/tagger.h"

namespace lmtx {
namespace {

// The label's number. Throws where `seen` has it already.
int64_t number_once(const LabelSet& labels, const std::string& uid, std::unordered_set<int64_t>& seen) {
  const int64_t number = labels.number_of(uid);
  if (!seen.insert(number).second) throw std::invalid_argument("The uid " + detail::quote(uid) + " is given twice.");
  return number;
}

// Without labels that the index lacks.
LabelIndex without(const LabelIndex& index, std::span<const int64_t> numbers) {
  std::vector<int64_t> there;
  std::copy_if(numbers.begin(), numbers.end(), std::back_inserter(there), [&](int64_t number) { return index.contains(number); });
  return there.empty() ? index : index.with_removed(there);
}

// Of labels that go away, by uid, those that take their place as broader labels.
using Instead = std::unordered_map<std::string, std::vector<std::string>>;

// The broader labels of a label, without those that go away; each once.
class BroaderLabels {
 public:
  BroaderLabels(const Label& label, const Instead& instead) : label_(label), instead_(instead) {
    for (const std::string& uid : label.broader) add(uid);
  }

  std::vector<std::string> take() { return std::move(uids_); }

 private:
  void add(const std::string& uid) {
    if (uid == label_.uid || !seen_.insert(uid).second) return;
    const auto found = instead_.find(uid);
    if (found == instead_.end()) {
      uids_.push_back(uid);
    } else {
      for (const std::string& other : found->second) add(other);
    }
  }

  const Label& label_;
  const Instead& instead_;
  std::unordered_set<std::string> seen_;
  std::vector<std::string> uids_;
};

LabelSet with_children_moved(const LabelSet& labels, const Instead& instead) {
  std::vector<int64_t> numbers;
  std::vector<Label> changed;
  for (auto label = labels.begin(); label != labels.end(); ++label) {
    if (std::none_of(label->broader.begin(), label->broader.end(), [&](const std::string& uid) { return instead.contains(uid); })) continue;
    numbers.push_back(label.number());
    changed.push_back(*label);
    changed.back().broader = BroaderLabels(*label, instead).take();
  }
  return numbers.empty() ? labels : labels.with_replaced(numbers, changed);
}

// `into` with the names of `label` as other names.
Label with_names_of(Label into, const Label& label) {
  const auto add = [&](const std::string& name) {
    if (name != into.name && std::find(into.other_names.begin(), into.other_names.end(), name) == into.other_names.end()) into.other_names.push_back(name);
  };
  add(label.name);
  std::for_each(label.other_names.begin(), label.other_names.end(), add);
  return into;
}

}  // namespace

Tagger Tagger::with_labels_added(std::span<const Label> added, const EventCallback& on_event, std::stop_token stop) const {
  LabelSet set = labels().with_added(added);
  std::vector<int64_t> numbers(added.size());
  std::iota(numbers.begin(), numbers.end(), labels().size());
  const LabelRows rows = detail::embed_labels(encoder(), set, numbers, settings(), ComputeDtype::float32, on_event, std::move(stop));
  return with(std::move(set), index().with_added(rows.rows, rows.owners));
}

Tagger Tagger::with_labels_removed(std::span<const std::string> uids) const {
  std::vector<int64_t> numbers;
  std::unordered_set<int64_t> seen;
  Instead instead;
  for (const std::string& uid : uids) {
    numbers.push_back(number_once(labels(), uid, seen));
    instead[uid] = labels()[numbers.back()].broader;
  }
  return with(with_children_moved(labels(), instead).with_removed(numbers), without(index(), numbers));
}

Tagger Tagger::with_labels_replaced(std::span<const Label> replaced, const EventCallback& on_event, std::stop_token stop) const {
  std::vector<int64_t> numbers, embedded_anew;
  std::unordered_set<int64_t> seen;
  for (const Label& label : replaced) {
    const int64_t number = number_once(labels(), label.uid, seen);
    numbers.push_back(number);
    if (detail::label_texts(labels()[number], settings()) != detail::label_texts(label, settings())) embedded_anew.push_back(number);
  }
  LabelSet set = labels().with_replaced(numbers, replaced);
  const LabelRows rows = detail::embed_labels(encoder(), set, embedded_anew, settings(), ComputeDtype::float32, on_event, std::move(stop));
  return with(std::move(set), without(index(), embedded_anew).with_added(rows.rows, rows.owners));
}

Tagger Tagger::with_label_merged(const std::string& uid, const std::string& into) const {
  if (uid == into) throw std::invalid_argument("A label cannot be merged into itself: " + detail::quote(uid) + ".");
  const Label label = labels()[labels().number_of(uid)], target = labels()[labels().number_of(into)];
  const Tagger renamed = with_labels_replaced(std::vector<Label>{with_names_of(target, label)});
  const int64_t number = labels().number_of(uid);
  return with(with_children_moved(renamed.labels(), {{uid, {into}}}).with_removed(std::span(&number, 1)), without(renamed.index(), std::span(&number, 1)));
}

Tagger Tagger::compact() const { return with(labels(), index().compact()); }

}  // namespace lmtx
