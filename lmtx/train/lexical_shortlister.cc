#include "lmtx/train/lexical_shortlister.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/stopped.h"

namespace lmtx {

namespace {

// Documents whose texts are in memory at once.
constexpr int64_t block_size = 4096;

Bm25Index index_names(const LabelSet& labels, const Twins& twins, const Bm25Options& options) {
  std::vector<std::string_view> names;
  std::vector<int64_t> owners;
  for (int64_t i = 0; i < labels.size(); ++i) {
    if (!twins.is_first(i)) continue;
    names.push_back(labels[i].name);
    owners.push_back(i);
  }
  return Bm25Index::build(names, owners, options);
}

// Texts of documents with rising numbers.
class TextReader {
 public:
  explicit TextReader(const Corpus& documents) : reader_(documents.read()), size_(documents.size()) {}

  std::string read(int64_t number) {
    for (; next_ <= number; ++next_) {
      if (!reader_->next(document_)) {
        throw std::out_of_range("Document " + std::to_string(number) + " is not among the " + std::to_string(size_) + " of the corpus.");
      }
    }
    return document_text(document_);
  }

 private:
  std::unique_ptr<DocumentReader> reader_;
  int64_t size_;
  int64_t next_ = 0;
  Document document_;
};

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
  TextReader reader(documents);
  RankedLists lists;
  for (int64_t begin = 0; begin < total; begin += block_size) {
    check_stop(stop);
    std::vector<std::string> texts;
    for (const int64_t number : numbers.subspan(begin, std::min(block_size, total - begin))) texts.push_back(reader.read(number));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    append(lists, index_.search(views, k, {}, stop));
    if (on_event) on_event({.kind = Event::Kind::progress, .stage = "search words", .done = begin + static_cast<int64_t>(texts.size()), .total = total});
  }
  return lists;
}

}  // namespace lmtx
