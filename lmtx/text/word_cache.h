// Ids of the words seen last: most words of a text were seen before.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace lmtx::detail {

// A word has one place it may be in, and takes it from the word there before. 2 MB, never more. One per thread.
class WordCache {
 public:
  static constexpr size_t max_word_bytes = 32;
  static constexpr size_t max_ids = 7;

  // A word of 1 to max_word_bytes bytes, padded with zeros, and its place.
  struct Key {
    std::array<uint64_t, 4> bytes{};
    uint8_t length;
    uint32_t place;
  };

  WordCache() : entries_(num_entries) {}

  static Key key(std::string_view word) {
    Key key;
    std::memcpy(key.bytes.data(), word.data(), word.size());
    key.length = static_cast<uint8_t>(word.size());
    uint64_t hash = key.length;
    for (uint64_t bytes : key.bytes) hash = std::rotl((hash ^ bytes) * 0x9e3779b97f4a7c15ull, 32);
    key.place = (hash * 0xd6e8feb86659fd93ull) >> (64 - entry_bits);
    return key;
  }

  // Whether the word is here; then `ids` are its ids.
  bool find(const Key& key, std::span<const int32_t>& ids) const {
    const Entry& entry = entries_[key.place];
    if (entry.length != key.length || entry.bytes != key.bytes) return false;
    ids = {entry.ids.data(), entry.num_ids};
    return true;
  }

  // Appends the ids of a word of 1 to max_word_bytes bytes: those that are here, else those that `segment()` appends, which are kept.
  template <typename Segment>
  void append(std::string_view word, std::vector<int32_t>& ids, Segment&& segment) {
    const Key key = WordCache::key(word);
    std::span<const int32_t> known;
    if (find(key, known)) {
      ids.insert(ids.end(), known.begin(), known.end());
      return;
    }
    const size_t before = ids.size();
    segment();
    insert(key, std::span(ids).subspan(before));
  }

  void insert(const Key& key, std::span<const int32_t> ids) {
    if (ids.size() > max_ids) return;
    Entry& entry = entries_[key.place];
    entry.bytes = key.bytes;
    entry.length = key.length;
    entry.num_ids = static_cast<uint8_t>(ids.size());
    std::copy(ids.begin(), ids.end(), entry.ids.begin());
  }

 private:
  static constexpr int entry_bits = 15;
  static constexpr size_t num_entries = size_t{1} << entry_bits;

  // One cache line.
  struct alignas(64) Entry {
    std::array<uint64_t, 4> bytes;
    std::array<int32_t, max_ids> ids;
    uint8_t length = 0;  // 0: nobody was here yet
    uint8_t num_ids = 0;
  };
  static_assert(sizeof(Entry) == 64);

  std::vector<Entry> entries_;
};

}  // namespace lmtx::detail
