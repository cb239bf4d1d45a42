// Made by scripts/make_unicode_classes.py: digests over what tokenizers 0.23.3 says of every code point.
#pragma once

#include <cstdint>

inline constexpr uint64_t pattern_letter_digest = 0x9abbec5090cdd78d;
inline constexpr uint64_t pattern_number_digest = 0x88882b4d56227662;
inline constexpr uint64_t pattern_space_digest = 0x231591ad12ffe059;
// Each code point that NFC changes, and what it becomes.
inline constexpr uint64_t nfc_digest = 0x8171ea43b4bd9b29;
