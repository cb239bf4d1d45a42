#include "lmtx/text/bpe_vocabulary.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <queue>
#include <stdexcept>

#include "lmtx/text/utf8.h"

namespace lmtx::detail {

namespace {

// The bytes that a token of the byte alphabet stands for; nothing if it has other characters, too, so that no text becomes it.
std::optional<std::string> raw_bytes(std::string_view token) {
  static const std::unordered_map<char32_t, char> bytes = [] {
    std::unordered_map<char32_t, char> map;
    for (size_t byte = 0; byte < 256; ++byte) map[byte_alphabet()[byte]] = static_cast<char>(byte);
    return map;
  }();
  std::string raw;
  for (size_t pos = 0; pos < token.size();) {
    const DecodedCharacter decoded = decode_utf8(token, pos);
    const auto byte = bytes.find(decoded.code_point);
    if (byte == bytes.end()) return std::nullopt;
    raw += byte->second;
    pos += decoded.length;
  }
  return raw;
}

bool is_one_character(std::string_view token) { return !token.empty() && decode_utf8(token, 0).length == token.size(); }

}  // namespace

const std::array<char32_t, 256>& byte_alphabet() {
  static const std::array<char32_t, 256> alphabet = [] {
    std::array<char32_t, 256> characters{};
    char32_t next = 256;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool shows = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
      characters[byte] = shows ? byte : next++;
    }
    return characters;
  }();
  return alphabet;
}

BpeVocabulary::Merges::Merges(size_t size) : entries_(std::bit_ceil(2 * size + 2)), shift_(64 - std::countr_zero(entries_.size())) {}

// Where the pair is, or the free place where it belongs (Fibonacci hashing, linear probing).
size_t BpeVocabulary::Merges::slot(uint64_t pair) const {
  size_t i = (pair * 0x9e3779b97f4a7c15ull) >> shift_;
  while (entries_[i].pair != pair && entries_[i].pair != nobody) i = (i + 1) & (entries_.size() - 1);
  return i;
}

void BpeVocabulary::Merges::insert(int32_t left, int32_t right, Merge merge) {
  const uint64_t pair = static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
  entries_[slot(pair)] = {pair, merge};
}

const BpeVocabulary::Merge* BpeVocabulary::Merges::find(int32_t left, int32_t right) const {
  const Entry& entry = entries_[slot(static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right))];
  return entry.pair == nobody ? nullptr : &entry.merge;
}

int32_t BpeVocabulary::token(std::string_view text) const {
  const auto entry = tokens_.find(text);
  return entry == tokens_.end() ? -1 : entry->second;
}

std::array<int32_t, 256> BpeVocabulary::byte_tokens(const BpeOptions& options) const {
  std::array<int32_t, 256> ids;
  for (size_t byte = 0; byte < 256; ++byte) {
    std::string text;
    if (options.byte_level) append_utf8(byte_alphabet()[byte], text);
    const auto entry = options.vocabulary.find(options.byte_level ? text : byte_token(byte));
    ids[byte] = entry == options.vocabulary.end() ? -1 : entry->second;
  }
  return ids;
}

BpeVocabulary::BpeVocabulary(const BpeOptions& options)
    : bytes_(byte_tokens(options)),
      merges_(options.merges.size()),
      fuse_unknown_(options.fuse_unknown),
      byte_fallback_(options.byte_fallback && !options.byte_level),
      ignore_merges_(options.ignore_merges),
      byte_level_(options.byte_level),
      is_cut_before_metaspace_(!options.ignore_merges && options.vocabulary.contains(std::string(metaspace))) {
  for (const auto& [token, id] : options.vocabulary) {
    vocabulary_size_ = std::max<int64_t>(vocabulary_size_, int64_t{id} + 1);
    if (byte_level_ && ignore_merges_) {
      if (const auto raw = raw_bytes(token)) tokens_.emplace(*raw, id);
    } else if (!byte_level_ && (ignore_merges_ || is_one_character(token))) {
      tokens_.emplace(token, id);
    }
  }
  const auto id_of = [&](const std::string& token) {
    const auto entry = options.vocabulary.find(token);
    if (entry == options.vocabulary.end()) throw std::invalid_argument("the token \"" + token + "\" of a merge is not in the vocabulary");
    return entry->second;
  };
  uint32_t rank = 0;
  for (const auto& [left, right] : options.merges) {
    const int32_t left_id = id_of(left);
    const int32_t right_id = id_of(right);
    merges_.insert(left_id, right_id, {rank++, id_of(left + right)});
    if (std::string_view(right).starts_with(metaspace) && !std::string_view(left).ends_with(metaspace)) is_cut_before_metaspace_ = false;
  }
  if (!options.unknown_token.empty()) unknown_ = options.vocabulary.at(options.unknown_token);
}

class BpeEncoder : public WordEncoder {
 public:
  explicit BpeEncoder(const BpeVocabulary& vocabulary) : vocabulary_(vocabulary) {}

  void append_ids(std::string_view word, std::vector<int32_t>& ids) override {
    if (vocabulary_.ignore_merges_) {
      if (const int32_t id = vocabulary_.token(word); id >= 0) return ids.push_back(id);
    }
    symbols_.clear();
    if (vocabulary_.byte_level_) {
      for (unsigned char byte : word) add(vocabulary_.bytes_[byte]);
      add_unknown();
    } else {
      add_characters(word);
    }
    if (symbols_.size() <= max_scanned) {
      merge_by_scanning();
    } else {
      merge_by_queue();
    }
    for (const Symbol& symbol : symbols_) {
      if (symbol.id != merged) ids.push_back(symbol.id);
    }
  }

 private:
  // Up to this length looking at all pairs for each merge is faster than a queue.
  static constexpr size_t max_scanned = 32;
  static constexpr int32_t merged = -1;
  static constexpr uint32_t never = UINT32_MAX;

  struct Symbol {
    int32_t id;
    // What merging it with the next one gives, as far as merge_by_scanning() goes.
    int32_t merged_id;
    uint32_t rank;
  };

  // A pair that waits to be merged, by the place of its left side.
  struct Candidate {
    uint32_t rank;
    uint32_t left;
    int32_t merged_id;
    bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : left > other.left; }
  };

  void add_known(int32_t id) { symbols_.push_back({id, merged, never}); }

  // What is unknown waits until the next known character, as in `tokenizers`.
  void add(int32_t id) {
    if (id >= 0) {
      add_unknown();
      return add_known(id);
    }
    if (vocabulary_.unknown_ < 0) return;
    if (!vocabulary_.fuse_unknown_) add_unknown();
    unknown_waits_ = true;
  }

  void add_unknown() {
    if (unknown_waits_) add_known(vocabulary_.unknown_);
    unknown_waits_ = false;
  }

  void add_characters(std::string_view word) {
    for (size_t pos = 0; pos < word.size();) {
      const std::string_view character = word.substr(pos, decode_utf8(word, pos).length);
      pos += character.size();
      const int32_t id = vocabulary_.token(character);
      // The tokens of its bytes go before unknown characters that wait; so they do in `tokenizers`.
      if (id < 0 && add_bytes(character)) continue;
      add(id);
    }
    add_unknown();
  }

  bool add_bytes(std::string_view character) {
    if (!vocabulary_.byte_fallback_) return false;
    const auto id_of = [&](char byte) { return vocabulary_.bytes_[static_cast<unsigned char>(byte)]; };
    if (!std::all_of(character.begin(), character.end(), [&](char byte) { return id_of(byte) >= 0; })) return false;
    for (char byte : character) add_known(id_of(byte));
    return true;
  }

  void look_up(size_t i) {
    Symbol& symbol = symbols_[i];
    const BpeVocabulary::Merge* merge = i + 1 < symbols_.size() ? vocabulary_.merges_.find(symbol.id, symbols_[i + 1].id) : nullptr;
    symbol.rank = merge ? merge->rank : never;
    symbol.merged_id = merge ? merge->id : merged;
  }

  // The pair of the lowest rank, the first of these, until there is none.
  void merge_by_scanning() {
    for (size_t i = 0; i < symbols_.size(); ++i) look_up(i);
    while (true) {
      size_t best = 0;
      uint32_t rank = never;
      for (size_t i = 0; i < symbols_.size(); ++i) {
        if (symbols_[i].rank < rank) {
          rank = symbols_[i].rank;
          best = i;
        }
      }
      if (rank == never) return;
      symbols_[best].id = symbols_[best].merged_id;
      symbols_.erase(symbols_.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      look_up(best);
      if (best > 0) look_up(best - 1);
    }
  }

  // The same for long words: neighbours are linked, and pairs wait in a queue. Pairs that are no longer there are skipped when it is their turn.
  void merge_by_queue() {
    const auto size = static_cast<uint32_t>(symbols_.size());
    next_.resize(size + 1);
    previous_.resize(size + 1);
    for (uint32_t i = 0; i <= size; ++i) {
      next_[i] = i + 1;
      previous_[i] = i - 1;
    }
    for (uint32_t i = 0; i + 1 < size; ++i) push(i, i + 1);
    while (!queue_.empty()) {
      const Candidate candidate = queue_.top();
      queue_.pop();
      const uint32_t left = candidate.left;
      if (symbols_[left].id == merged || next_[left] >= size) continue;
      const uint32_t right = next_[left];
      const BpeVocabulary::Merge* merge = vocabulary_.merges_.find(symbols_[left].id, symbols_[right].id);
      if (!merge || merge->id != candidate.merged_id) continue;
      symbols_[left].id = candidate.merged_id;
      symbols_[right].id = merged;
      next_[left] = next_[right];
      previous_[next_[left]] = left;
      if (left > 0) push(previous_[left], left);
      if (next_[left] < size) push(left, next_[left]);
    }
  }

  void push(uint32_t left, uint32_t right) {
    const BpeVocabulary::Merge* merge = vocabulary_.merges_.find(symbols_[left].id, symbols_[right].id);
    if (merge) queue_.push({merge->rank, left, merge->id});
  }

  const BpeVocabulary& vocabulary_;
  std::vector<Symbol> symbols_;
  bool unknown_waits_ = false;
  std::vector<uint32_t> next_;
  std::vector<uint32_t> previous_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue_;
};

std::unique_ptr<WordEncoder> BpeVocabulary::make_encoder() const { return std::make_unique<BpeEncoder>(*this); }

}  // namespace lmtx::detail
