#!/usr/bin/env python3
"""Asks Hugging Face's `tokenizers` about every code point and writes down what kind it is.

    python scripts/make_unicode_classes.py

Two questions: is it a letter, a number or white space for the pattern that byte-level BPE splits texts with (Oniguruma's \\p{L}, \\p{N}, \\s), and how do
graphemes go on with it (the crate unicode-segmentation, seen through the Precompiled normalizer, which takes a grapheme of at most 5 bytes as a whole).
Writes lmtx/text/unicode_classes.h and tests/cpp/text/unicode_class_digests.h.
"""

import base64
import json
import struct
from pathlib import Path

import tokenizers
from make_unicode_table import CODE_POINTS, digest
from tokenizers import normalizers, pre_tokenizers

ROOT = Path(__file__).resolve().parent.parent

# Beyond these planes nothing is assigned that a grapheme goes on with.
PROBED = [c for c in CODE_POINTS if c >> 16 in (0, 1, 2, 14)]


def pattern_class():
    """letter, number, space or None of a code point in the pattern of byte-level BPE."""
    pre_tokenize = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str

    def goes_on_after(start, c):
        return len(pre_tokenize(start + chr(c))) == 1

    def classify(c):
        if goes_on_after("a", c):
            return "letter"
        if goes_on_after("1", c):
            return "number"
        return None if goes_on_after("!", c) else "space"

    return classify


class Charsmap:
    """A double array, as SentencePiece keeps its normalization, in which every character has the same replacement. Each inner node has a block of its own."""

    VALUE = 1  # The block of the one value, 0: the place of the replacement.
    ROOT = 2

    def __init__(self):
        self.units = [0] * 3 * 256
        self.blocks = {b"": self.ROOT}
        self.units[0] = self.link(0, self.ROOT)
        self.units[self.VALUE * 256] = 1 << 31

    @staticmethod
    def link(position, block, label=0):
        return (position ^ (block * 256)) << 10 | label

    def add(self, character):
        for i in range(1, len(character)):
            position = self.blocks[character[: i - 1]] * 256 ^ character[i - 1]
            if self.units[position] == 0:
                self.blocks[character[:i]] = len(self.units) // 256
                self.units += [0] * 256
                self.units[position] = self.link(position, self.blocks[character[:i]], character[i - 1])
        position = self.blocks[character[:-1]] * 256 ^ character[-1]
        self.units[position] = self.link(position, self.VALUE, character[-1]) | 1 << 8

    def normalizer(self, replacement):
        assert len(self.units) < 1 << 21
        blob = struct.pack(f"<I{len(self.units)}I", 4 * len(self.units), *self.units) + replacement + b"\0"
        parts = dict.fromkeys(("truncation", "padding", "pre_tokenizer", "post_processor", "decoder"))
        settings = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(blob).decode()}
        model = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]}
        return tokenizers.Tokenizer.from_str(json.dumps(dict(version="1.0", added_tokens=[], normalizer=settings, model=model, **parts))).normalizer


class Graphemes:
    def __init__(self):
        charsmap = Charsmap()
        for c in PROBED:
            if c:
                charsmap.add(chr(c).encode())
        self.normalizer = charsmap.normalizer(b"Y")

    def count(self, text):
        """Graphemes of at most 5 bytes count once, others by their characters."""
        return len(self.normalizer.normalize_str(text))

    def joined(self, left, right):
        """Whether there is no boundary between two texts; `right` must have at most 3 bytes."""
        return self.count(left + right + "\u0300") > 2 if len((left + right).encode()) > 3 else self.count(left + right) == 1

    def classify(self, c):
        s = chr(c)
        if s in "\r\n\u200d":
            return {"\r": "cr", "\n": "lf", "\u200d": "zwj"}[s]
        if c and self.count("a" + s) == 1:
            # Between a pictograph and a joiner only `extend` may stand.
            joins = self.count(f"\xa9{s}\u200d\xa9\u0300") == 3 + 2
            if joins:
                return "linker" if self.count(f"\u0915{s}\u0915\u0300") == 4 else "extend"
            return "spacing"
        if c and self.count(s + "a") == 1:
            return "prepend"
        if self.count(f"\xa9\u200d{s}") == 3:
            return "pictograph"
        if len(s.encode()) >= 3:
            if self.joined(s, "\u1160"):  # A vowel may follow: L, V and LV.
                return "hangul_l" if self.joined(s, "\u1100") else "hangul_v"
            if self.joined(s, "\u11a8"):
                return "hangul_t"
            if self.count(f"{s}\u094d\u0915\u0300") == 4:
                return "consonant"
        if self.count(s + "\u0300\u0301") == 2:  # The marks are a grapheme of their own.
            return "control"
        return None

    def classes(self):
        found = {c: name for c in PROBED if (name := self.classify(c))}
        # Of syllables (LV, LVT) only what may follow them counts here, which is what may follow a V and a T.
        assert all(found[c] == ("hangul_v" if (c - 0xAC00) % 28 == 0 else "hangul_t") for c in range(0xAC00, 0xD7A4))
        for c in range(0xAC00, 0xD7A4):
            found[c] = "hangul_lv" if (c - 0xAC00) % 28 == 0 else "hangul_lvt"
        return found


def ranges(classes, name):
    found = []
    for c in sorted(c for c, of in classes.items() if of == name):
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def initializer(rows):
    lines, line = [], "   "
    for first, last in rows:
        cell = f" {{{first:#x}, {last:#x}}},"
        if len(line) + len(cell) > 150:
            lines.append(line)
            line = "   "
        line += cell
    return "\n".join([*lines, line])


def table(classes, name, meaning, prefix):
    return f"// {meaning}\ninline constexpr CodePoints {prefix}{name}[] = {{\n{initializer(ranges(classes, name))}\n}};\n"


GRAPHEME_CLASSES = {
    "control": "Nothing joins these: control characters, separators of lines.",
    "extend": "Go on with whatever stands before.",
    "linker": "The same, and link consonants of Indic scripts.",
    "spacing": "Go on, too (spacing marks), but not from a pictograph to a joiner.",
    "prepend": "Go on with what stands behind.",
    "pictograph": "A zero-width joiner joins the next of these.",
    "consonant": "Consonants of Indic scripts, which a linker joins.",
    "hangul_l": "Beginnings of Hangul syllables,",
    "hangul_v": "their vowels",
    "hangul_t": "and their ends.",
}


def main():
    classify = pattern_class()
    pattern = {c: name for c in CODE_POINTS if (name := classify(c))}
    graphemes = Graphemes().classes()
    parts = [table(pattern, "letter", "\\p{L}", "pattern_"), table(pattern, "number", "\\p{N}", "pattern_"), table(pattern, "space", "\\s", "pattern_")]
    parts += [table(graphemes, name, meaning, "grapheme_") for name, meaning in GRAPHEME_CLASSES.items()]
    (ROOT / "lmtx/text/unicode_classes.h").write_text(
        f"""\
// Made by scripts/make_unicode_classes.py: kinds of code points, as tokenizers {tokenizers.__version__} has them.
#pragma once

namespace lmtx::detail {{

struct CodePoints {{
  char32_t first;
  char32_t last;
}};

// The pattern that byte-level BPE splits texts with.

"""
        + "\n".join(parts[:3])
        + "\n// How graphemes go on.\n\n"
        + "\n".join(parts[3:])
        + "\n}  // namespace lmtx::detail\n"
    )
    names = ["letter", "number", "space"]
    constants = "\n".join(f"inline constexpr uint64_t pattern_{n}_digest = 0x{digest(c for c in CODE_POINTS if pattern.get(c) == n):016x};" for n in names)
    nfc = normalizers.NFC().normalize_str
    changed = {c: composed for c in CODE_POINTS if (composed := nfc(chr(c))) != chr(c)}
    nfc_digest = digest(x for c, to in changed.items() for x in (c, *map(ord, to)))
    constants += f"\n// Each code point that NFC changes, and what it becomes.\ninline constexpr uint64_t nfc_digest = 0x{nfc_digest:016x};"
    (ROOT / "tests/cpp/text/unicode_class_digests.h").write_text(f"""\
// Made by scripts/make_unicode_classes.py: digests over what tokenizers {tokenizers.__version__} says of every code point.
#pragma once

#include <cstdint>

{constants}
""")


if __name__ == "__main__":
    main()
