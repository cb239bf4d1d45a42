#include "lmtx/train/training_set.h"

#include <algorithm>
#include <map>

namespace lmtx {

namespace {

void add_scored(std::vector<JudgedLabel>& labels, std::span<const AskedPair> pairs, const Twins& label_twins) {
  for (const AskedPair& pair : pairs) {
    if (pair.state != PairState::scored) continue;
    labels.push_back({pair.label, pair.score});
    for (int64_t twin : label_twins.others(pair.label)) labels.push_back({twin, pair.score});
  }
}

// Equal pairs have equal scores: what the run once knows it keeps.
void sort_distinct(std::vector<JudgedLabel>& labels) {
  std::sort(labels.begin(), labels.end(), [](const JudgedLabel& a, const JudgedLabel& b) { return a.label < b.label; });
  labels.erase(std::unique(labels.begin(), labels.end(), [](const JudgedLabel& a, const JudgedLabel& b) { return a.label == b.label; }), labels.end());
}

}  // namespace

std::vector<JudgedDocument> training_set(std::span<const AskedPairs> stages, const Twins& document_twins, const Twins& label_twins) {
  std::map<int64_t, std::vector<JudgedLabel>> by_document;
  for (const AskedPairs& stage : stages) {
    for (int64_t i = 0; i < stage.num_documents(); ++i) add_scored(by_document[stage.document(i)], stage.of(i), label_twins);
  }
  std::vector<JudgedDocument> judged;
  for (auto& [document, labels] : by_document) {
    if (labels.empty()) continue;
    sort_distinct(labels);
    for (int64_t twin : document_twins.others(document)) judged.push_back({twin, labels});
    judged.push_back({document, std::move(labels)});
  }
  std::sort(judged.begin(), judged.end(), [](const JudgedDocument& a, const JudgedDocument& b) { return a.document < b.document; });
  return judged;
}

}  // namespace lmtx
