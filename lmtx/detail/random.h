// Random draws that depend on a key and nothing else: no state is carried from one draw to the next.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace lmtx::detail {

// SplitMix64 (Steele, Lea, Flood 2014).
inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// One key out of a seed, what the draw is for, and where in the run it happens (cycle, epoch, step, …).
inline uint64_t random_key(uint64_t seed, std::string_view purpose, std::initializer_list<int64_t> place = {}) {
  uint64_t key = mix(seed);
  for (unsigned char c : purpose) key = mix(key ^ c);
  for (int64_t p : place) key = mix(key ^ static_cast<uint64_t>(p));
  return key;
}

// A sequence of draws from a key.
class KeyedRandom {
 public:
  explicit KeyedRandom(uint64_t key) : state_(key) {}
  uint64_t next() { return mix(state_++ * 0xd1342543de82ef95ull + 1); }
  // In [0, n); n > 0 (Lemire 2019, without the rejection step: the bias is below n / 2^64).
  int64_t below(int64_t n) { return static_cast<int64_t>((static_cast<unsigned __int128>(next()) * static_cast<uint64_t>(n)) >> 64); }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

// 0..n - 1 in random order (Fisher and Yates).
inline std::vector<int64_t> permutation(int64_t n, uint64_t key) {
  std::vector<int64_t> order(n);
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  KeyedRandom random(key);
  for (int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  return order;
}

}  // namespace lmtx::detail
