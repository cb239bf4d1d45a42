#include "lmtx/train/unsupervised/label_pairs.h"

#include <algorithm>
#include <utility>

#include "lmtx/train/array_file.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXPAIR", 1, "file of pairs"};

bool all_within(const std::vector<int64_t>& numbers, int64_t end) {
  return std::all_of(numbers.begin(), numbers.end(), [&](int64_t number) { return number >= 0 && number < end; });
}

}  // namespace

void LabelPairs::save(const std::filesystem::path& file) const {
  ArrayFileWriter writer;
  writer.add(documents);
  writer.add(labels);
  writer.save(file, kind);
}

LabelPairs LabelPairs::load(const std::filesystem::path& file) {
  ArrayFileReader reader(file, kind);
  LabelPairs pairs{.documents = reader.next<int64_t>(), .labels = reader.next<int64_t>()};
  reader.finish();
  if (pairs.documents.size() != pairs.labels.size() || !std::is_sorted(pairs.documents.begin(), pairs.documents.end())) reader.refuse();
  return pairs;
}

bool LabelPairs::within(int64_t num_documents, int64_t num_labels) const { return all_within(documents, num_documents) && all_within(labels, num_labels); }

LabelPairSource::LabelPairSource(LabelPairs pairs, TrainingTexts texts) : pairs_(std::move(pairs)), texts_(std::move(texts)) {}

std::vector<TokenPair> LabelPairSource::take(int64_t, std::span<const int64_t> numbers) const {
  std::vector<TokenPair> pairs;
  for (const int64_t number : numbers) {
    const int64_t document = pairs_.documents[static_cast<size_t>(number)];
    pairs.push_back({texts_.document(document), texts_.label(pairs_.labels[static_cast<size_t>(number)]), document});
  }
  return pairs;
}

void LabelPairSource::add_to(detail::Hasher& key) const {
  key.add("label pairs 1");
  for (const int64_t number : {texts_.document_length, texts_.label_length, texts_.suffix_size, size(0)}) key.add(number);
  for (size_t i = 0; i < pairs_.documents.size(); ++i) key.add(pairs_.documents[i]).add(pairs_.labels[i]);
}

}  // namespace lmtx
