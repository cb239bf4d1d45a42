#!/usr/bin/env python3
"""Asks Hugging Face's `tokenizers` about every code point and writes down where utf8proc would answer differently.

    python scripts/make_unicode_table.py /usr/lib/x86_64-linux-gnu/libutf8proc.so.2 [more of its versions ...]

Several versions of utf8proc know several versions of Unicode. A code point on which any of them differs from `tokenizers` goes into the
table, so that the result is right with each of them. Writes lmtx/text/unicode_differences.h and tests/cpp/text/unicode_digests.h; the digests
are over what `tokenizers` says of all code points, so that a test notices a utf8proc that the table was not made for.
"""

import ctypes
import json
import sys
from pathlib import Path

import tokenizers
from tokenizers import normalizers, pre_tokenizers

ROOT = Path(__file__).resolve().parent.parent
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
DECOMPOSE = 1 << 4  # UTF8PROC_DECOMPOSE


class Utf8proc:
    """What lmtx/text/characters.cc asks of utf8proc, by the same rules."""

    class Property(ctypes.Structure):
        _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.utf8proc_version.restype = ctypes.c_char_p
        self.lib.utf8proc_category_string.restype = ctypes.c_char_p
        self.lib.utf8proc_get_property.restype = ctypes.POINTER(self.Property)
        self.version = self.lib.utf8proc_version().decode()

    def describe(self, c):
        category = self.lib.utf8proc_category_string(c).decode()
        buffer, boundary = (ctypes.c_int32 * 8)(), ctypes.c_int()
        length = self.lib.utf8proc_decompose_char(c, buffer, 8, DECOMPOSE, ctypes.byref(boundary))
        return {
            "dropped": (category in ("Cc", "Cf", "Co") and chr(c) not in "\t\n\r") or c == 0xFFFD,
            "space": category[0] == "Z" or 9 <= c <= 13 or c == 0x85,
            "punctuation": category[0] == "P" or (c < 128 and category[0] == "S"),
            "mark": category == "Mn",
            "word": category[0] in "LM" or category in ("Nd", "Nl", "Pc") or c in (0x200C, 0x200D),
            "decomposition": tuple(buffer[:length]),
            "combining_class": self.lib.utf8proc_get_property(c).contents.combining_class,
            "lower": (self.lib.utf8proc_tolower(c),),
        }


def bert_normalizer(**on):
    settings = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**(settings | on)).normalize_str


def word_probe():
    """Whether a code point counts as part of a word beside an added token that must stand alone."""
    token = dict(id=1, content="X", single_word=True, lstrip=False, rstrip=False, normalized=False, special=False)
    model = dict(type="WordPiece", unk_token="u", continuing_subword_prefix="##", max_input_chars_per_word=100, vocab={"u": 0})
    parts = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    probe = tokenizers.Tokenizer.from_str(json.dumps(dict(version="1.0", added_tokens=[token], model=model, **parts)))
    return lambda c: 1 not in probe.encode(chr(c) + "X").ids


class Tokenizers:
    def __init__(self, reference):
        self.clean, self.ideographs = bert_normalizer(clean_text=True), bert_normalizer(handle_chinese_chars=True)
        self.strip, self.lower = bert_normalizer(strip_accents=True), bert_normalizer(lowercase=True)
        self.nfd = normalizers.NFD().normalize_str
        self.pre_tokenize = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
        self.is_word = word_probe()
        # One code point of each combining class.
        self.of_class = {}
        for c in filter(self.moves, CODE_POINTS):
            self.of_class.setdefault(reference.describe(c)["combining_class"], chr(c))

    def swaps(self, left, right):
        return self.nfd(left + right) != self.nfd(left) + self.nfd(right)

    def moves(self, c):
        """Whether it changes places with marks of the highest class or of the lowest: all but starters do."""
        return self.nfd(chr(c)) == chr(c) and (self.swaps("\u0345", chr(c)) or self.swaps(chr(c), "\u0334"))

    def combining_class(self, c):
        if not self.moves(c):
            return 0
        fitting = [k for k, mark in self.of_class.items() if not self.swaps(mark, chr(c)) and not self.swaps(chr(c), mark)]
        assert len(fitting) == 1, (hex(c), fitting)
        return fitting[0]

    def describe(self, c):
        s = chr(c)
        pieces = [piece for piece, _ in self.pre_tokenize(f"a{s}b")]
        decomposition = tuple(map(ord, self.nfd(s)))
        return {
            "dropped": self.clean(s) == "",
            "space": pieces == ["a", "b"],
            "punctuation": pieces == ["a", s, "b"],
            "mark": decomposition == (c,) and self.strip(s) == "",
            "word": self.is_word(c),
            "decomposition": decomposition,
            "combining_class": self.combining_class(c),
            "lower": tuple(map(ord, self.lower(s))),
            "ideograph": self.ideographs(s) != s,
        }


def ranges(values):
    """{code point: value} as (first, last, value), neighbours of equal value together."""
    found = []
    for c, value in sorted(values.items()):
        if found and found[-1][1] == c - 1 and found[-1][2] == value:
            found[-1][1] = c
        else:
            found.append([c, c, value])
    return found


def differences(theirs, libraries):
    table = {name: {} for name in ("dropped", "space", "punctuation", "mark", "word", "decomposition", "combining_class", "lower")}
    for library in libraries:
        for c in CODE_POINTS:
            ours = library.describe(c)
            if theirs[c]["decomposition"] != (c,):  # Only its parts are asked for these.
                ours["mark"], ours["combining_class"] = theirs[c]["mark"], theirs[c]["combining_class"]
            for name, value in ours.items():
                if value != theirs[c][name]:
                    table[name][c] = theirs[c][name]
    assert not table["space"], "characters.cc knows no exceptions for white space"
    assert all(value == (c,) for c, value in table["decomposition"].items()), "unicode_differences.h can only say that something is not decomposed"
    return table


def initializer(rows):
    lines, line = [], "   "
    for row in rows:
        cell = " {" + ", ".join(row) + "},"
        if len(line) + len(cell) > 150:
            lines.append(line)
            line = "   "
        line += cell
    return "\n".join([*lines, line])


def lower_rows(values):
    """Runs that are lowered by one distance, as (first, last, lower case of first, a second code point or 0)."""
    distance = {c: (to[0] - c, to[1] if len(to) > 1 else 0) for c, to in values.items()}
    return [[hex(first), hex(last), hex(first + by), hex(second)] for first, last, (by, second) in ranges(distance)]


def write_table(table, versions):
    flags = {"dropped": "Removed where text is cleaned.", "punctuation": "Split off as words of their own.",
             "mark": "Removed with accents (after decomposition).", "word": "Parts of a word for an added token that must stand alone (\\w)."}
    parts = []
    for name, meaning in flags.items():
        rows = [[hex(a), hex(b), str(int(v))] for a, b, v in ranges(table[name])]
        parts.append(f"// {meaning}\ninline constexpr Difference {name}_differences[] = {{\n{initializer(rows)}\n}};\n")
    rows = [[hex(a), hex(b), str(v)] for a, b, v in ranges(table["combining_class"])]
    parts.append(f"// Canonical combining classes.\ninline constexpr Difference combining_class_differences[] = {{\n{initializer(rows)}\n}};\n")
    rows = [[hex(a), hex(b), "0"] for a, b, _ in ranges(dict.fromkeys(table["decomposition"], 0))]
    parts.append(f"// Not decomposed.\ninline constexpr Difference decomposition_differences[] = {{\n{initializer(rows)}\n}};\n")
    parts.append(f"inline constexpr LowerCase lower_case_differences[] = {{\n{initializer(lower_rows(table['lower']))}\n}};\n")
    (ROOT / "lmtx/text/unicode_differences.h").write_text(f"""\
// Made by scripts/make_unicode_table.py: where tokenizers {tokenizers.__version__} differs from utf8proc
// ({", ".join(versions)}; a code point is here if it differs from any of them).
#pragma once

namespace lmtx::detail {{

// All code points from `first` to `last` have `value`.
struct Difference {{
  char32_t first;
  char32_t last;
  int value;
}};

// The code point first + i is lowered to to + i, followed by `then` unless that is 0.
struct LowerCase {{
  char32_t first;
  char32_t last;
  char32_t to;
  char32_t then;
}};

""" + "\n".join(parts) + "\n}  // namespace lmtx::detail\n")


def digest(numbers):
    """64-bit FNV-1a over 32-bit numbers."""
    h = 0xCBF29CE484222325
    for number in numbers:
        h = ((h ^ number) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def write_digests(theirs):
    lines = []
    for name in ("dropped", "space", "punctuation", "ideograph", "mark", "word"):
        lines.append((name, digest(c for c in CODE_POINTS if theirs[c][name])))
    lines.append(("combining_class", digest(x for c in CODE_POINTS if (k := theirs[c]["combining_class"]) for x in (c, k))))
    for name in ("decomposition", "lower"):
        lines.append((name, digest(x for c in CODE_POINTS if theirs[c][name] != (c,) for x in (c, *theirs[c][name]))))
    constants = "\n".join(f"inline constexpr uint64_t {name}_digest = 0x{value:016x};" for name, value in lines)
    (ROOT / "tests/cpp/text/unicode_digests.h").write_text(f"""\
// Made by scripts/make_unicode_table.py: digests over what tokenizers {tokenizers.__version__} says of every code point.
#pragma once

#include <cstdint>

{constants}
""")


def main():
    libraries = [Utf8proc(path) for path in sys.argv[1:]]
    if not libraries:
        sys.exit(__doc__)
    hugging_face = Tokenizers(libraries[0])
    theirs = {c: hugging_face.describe(c) for c in CODE_POINTS}
    write_table(differences(theirs, libraries), [library.version for library in libraries])
    write_digests(theirs)


if __name__ == "__main__":
    main()
