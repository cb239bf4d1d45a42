#include "lmtx/train/twins.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "lmtx/detail/digest.h"
#include "lmtx/train/array_file.h"

namespace lmtx {

namespace {

constexpr detail::FileKind kind{"LMTXTWIN", 1, "file of twins"};

struct DigestHash {
  size_t operator()(const detail::Digest& digest) const {
    size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof(hash));
    return hash;
  }
};

// The first number with each digest.
using FirstSeen = std::unordered_map<detail::Digest, int64_t, DigestHash>;

}  // namespace

Twins::Twins(std::vector<Twin> by_number) : by_number_(std::move(by_number)), by_first_(by_number_) {
  std::stable_sort(by_first_.begin(), by_first_.end(), [](const Twin& a, const Twin& b) { return a.first < b.first; });
}

Twins Twins::of(const Corpus& documents) {
  FirstSeen seen;
  seen.reserve(documents.size());
  std::vector<Twin> twins;
  const auto reader = documents.read();
  Document document;
  for (int64_t i = 0; reader->next(document); ++i) {
    const auto [found, is_new] = seen.try_emplace(detail::Hasher().add(document.title).add(document.content).finish(), i);
    if (!is_new) twins.push_back({i, found->second});
  }
  return Twins(std::move(twins));
}

Twins Twins::of(const LabelSet& labels) {
  FirstSeen seen;
  std::vector<Twin> twins;
  for (int64_t i = 0; i < labels.size(); ++i) {
    const auto [found, is_new] = seen.try_emplace(detail::Hasher().add(labels[i].name).add(labels[i].description).finish(), i);
    if (!is_new) twins.push_back({i, found->second});
  }
  return Twins(std::move(twins));
}

int64_t Twins::first(int64_t i) const {
  const auto found = std::lower_bound(by_number_.begin(), by_number_.end(), i, [](const Twin& twin, int64_t number) { return twin.number < number; });
  return found != by_number_.end() && found->number == i ? found->first : i;
}

std::vector<int64_t> Twins::firsts(int64_t size) const {
  std::vector<int64_t> firsts;
  for (int64_t i = 0; i < size; ++i) {
    if (is_first(i)) firsts.push_back(i);
  }
  return firsts;
}

std::vector<int64_t> Twins::others(int64_t first) const {
  std::vector<int64_t> others;
  auto found = std::lower_bound(by_first_.begin(), by_first_.end(), first, [](const Twin& twin, int64_t number) { return twin.first < number; });
  for (; found != by_first_.end() && found->first == first; ++found) others.push_back(found->number);
  return others;
}

void Twins::save(const std::filesystem::path& file) const {
  ArrayFileWriter writer;
  writer.add(by_number_);
  writer.save(file, kind);
}

Twins Twins::load(const std::filesystem::path& file) {
  ArrayFileReader reader(file, kind);
  auto twins = reader.next<Twin>();
  reader.finish();
  int64_t last = 0;
  for (const Twin& twin : twins) {
    if (twin.first < 0 || twin.number <= std::max(last, twin.first)) reader.refuse();
    last = twin.number;
  }
  return Twins(std::move(twins));
}

}  // namespace lmtx
