// Made by scripts/make_unicode_table.py: digests over what tokenizers 0.23.3 says of every code point.
#pragma once

#include <cstdint>

inline constexpr uint64_t dropped_digest = 0x8f316f65f1438366;
inline constexpr uint64_t space_digest = 0x231591ad12ffe059;
inline constexpr uint64_t punctuation_digest = 0xed67276710cf5944;
inline constexpr uint64_t ideograph_digest = 0x38c88e02b282ef55;
inline constexpr uint64_t mark_digest = 0xac207e11eaacfa1d;
inline constexpr uint64_t word_digest = 0x74e9e67363c9083f;
inline constexpr uint64_t combining_class_digest = 0xe7385cb0bbb4f0d4;
inline constexpr uint64_t decomposition_digest = 0x9d517e8601758add;
inline constexpr uint64_t lower_digest = 0xb1ea558e7d0299ab;
