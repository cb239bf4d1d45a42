#include "lmtx/train/lexical_shortlister.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/stopped.h"
#include "lmtx/train/document_seeker.h"

namespace lmtx {

namespace {

// Documents whose texts are in memory at once.
constexpr int64_t block_size = 4096;

Bm25Index index_names(const LabelSet& labels, const Twins& twins, const Bm25Options& options) {
  const std::vector<int64_t> owners = twins.firsts(labels.size());
  std::vector<std::string_view> names;
  for (const int64_t label : owners) names.push_back(labels[label].name);
  return Bm25Index::build(names, owners, options);
}

std::string read_text(DocumentSeeker& documents, int64_t number, int64_t size) {
  Document document;
  if (!documents.read(number, document))
    throw std::out_of_range("Document " + std::to_string(number) + " is not among the " + std::to_string(size) + " of the corpus.");
  return document_text(document);
}

void append(RankedLists& lists, const RankedLists& more) {
  const auto before = static_cast<int64_t>(lists.labels.size());
  for (int64_t i = 0; i < more.size(); ++i) lists.offsets.push_back(before + more.offsets[i + 1]);
  lists.labels.insert(lists.labels.end(), more.labels.begin(), more.labels.end());
  lists.scores.insert(lists.scores.end(), more.scores.begin(), more.scores.end());
}

}  // namespace

LexicalShortlister::LexicalShortlister(const LabelSet& labels, const Twins& label_twins, const Bm25Options& options)
    : index_(index_names(labels, label_twins, options)) {}

RankedLists LexicalShortlister::shortlist(const Corpus& documents, std::span<const int64_t> numbers, int64_t k, const EventCallback& on_event,
                                          std::stop_token stop) const {
  const auto total = static_cast<int64_t>(numbers.size());
  DocumentSeeker seeker(documents);
  RankedLists lists;
  for (int64_t begin = 0; begin < total; begin += block_size) {
    check_stop(stop);
    std::vector<std::string> texts;
    for (const int64_t number : numbers.subspan(begin, std::min(block_size, total - begin))) texts.push_back(read_text(seeker, number, documents.size()));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    append(lists, index_.search(views, k, {}, stop));
    if (on_event) on_event({.kind = Event::Kind::progress, .stage = "search words", .done = begin + static_cast<int64_t>(texts.size()), .total = total});
  }
  return lists;
}

}  // namespace lmtx
