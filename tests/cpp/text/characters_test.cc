#include "lmtx/text/characters.h"

#include <functional>

#include "catch.h"
#include "lmtx/text/nfc_normalizer.h"
#include "lmtx/text/pattern_classes.h"
#include "lmtx/text/utf8.h"
#include "unicode_class_digests.h"
#include "unicode_digests.h"

using lmtx::detail::Characters;
namespace character = lmtx::detail::character;

namespace {

// 64-bit FNV-1a over the numbers that `describe` adds for each code point.
class Digest {
 public:
  void add(uint32_t number) { value_ = (value_ ^ number) * 0x100000001b3ull; }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325ull;
};

uint64_t digest(const std::function<void(char32_t, Digest&)>& describe) {
  Digest digest;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c < 0xd800 || c >= 0xe000) describe(c, digest);
  }
  return digest.value();
}

uint64_t digest_of_flag(uint8_t flag) {
  return digest([flag](char32_t c, Digest& digest) {
    if (Characters::get().flags(c) & flag) digest.add(c);
  });
}

void add_mapping(char32_t c, std::span<const char32_t> mapped, Digest& digest) {
  if (mapped.size() == 1 && mapped[0] == c) return;
  digest.add(c);
  for (char32_t part : mapped) digest.add(part);
}

bool is_decomposed(char32_t c) {
  char32_t buffer[8];
  return Characters::get().decompose(c, buffer).front() != c;
}

}  // namespace

// If one of these fails, utf8proc is of a version that scripts/make_unicode_table.py has not seen: run it with that one added.
TEST_CASE("every code point has the properties that tokenizers gives it") {
  CHECK(digest_of_flag(character::dropped) == dropped_digest);
  CHECK(digest_of_flag(character::space) == space_digest);
  CHECK(digest_of_flag(character::punctuation) == punctuation_digest);
  CHECK(digest_of_flag(character::ideograph) == ideograph_digest);
  CHECK(digest_of_flag(character::word) == word_digest);
  // Only what decomposition leaves is asked for these two.
  CHECK(digest([](char32_t c, Digest& d) {
          if ((Characters::get().flags(c) & character::mark) && !is_decomposed(c)) d.add(c);
        }) == mark_digest);
  CHECK(digest([](char32_t c, Digest& d) {
          const int combining_class = Characters::get().combining_class(c);
          if (combining_class == 0 || is_decomposed(c)) return;
          d.add(c);
          d.add(static_cast<uint32_t>(combining_class));
        }) == combining_class_digest);
}

TEST_CASE("flags tell what decomposition and case do") {
  bool agree = true;
  for (char32_t c = 0; c < 0x110000; ++c) {
    char32_t lowered[2];
    const uint8_t flags = Characters::get().flags(c);
    agree = agree && (is_decomposed(c) || Characters::get().combining_class(c) != 0) == static_cast<bool>(flags & character::decomposes);
    agree = agree && (Characters::get().lower(c, lowered).front() != c) == static_cast<bool>(flags & character::changes_case);
  }
  CHECK(agree);
}

TEST_CASE("every code point is decomposed and lowered as tokenizers does it") {
  CHECK(digest([](char32_t c, Digest& d) {
          char32_t buffer[8];
          add_mapping(c, Characters::get().decompose(c, buffer), d);
        }) == decomposition_digest);
  CHECK(digest([](char32_t c, Digest& d) {
          char32_t buffer[2];
          add_mapping(c, Characters::get().lower(c, buffer), d);
        }) == lower_digest);
}

TEST_CASE("every code point is for byte-level BPE what it is for tokenizers") {
  using lmtx::detail::PatternClass;
  const auto digest_of = [](PatternClass wanted) {
    return digest([wanted](char32_t c, Digest& digest) {
      if (lmtx::detail::PatternClasses::get()[c] == wanted) digest.add(c);
    });
  };
  CHECK(digest_of(PatternClass::letter) == pattern_letter_digest);
  CHECK(digest_of(PatternClass::number) == pattern_number_digest);
  CHECK(digest_of(PatternClass::space) == pattern_space_digest);
}

TEST_CASE("every code point is composed as tokenizers does it") {
  const lmtx::detail::NfcNormalizer nfc;
  CHECK(digest([&nfc](char32_t c, Digest& digest) {
          std::string text;
          lmtx::detail::append_utf8(c, text);
          std::string composed;
          nfc.append(text, composed);
          if (composed == text) return;
          digest.add(c);
          for (size_t pos = 0; pos < composed.size();) {
            const auto decoded = lmtx::detail::decode_utf8(composed, pos);
            digest.add(decoded.code_point);
            pos += decoded.length;
          }
        }) == nfc_digest);
}
