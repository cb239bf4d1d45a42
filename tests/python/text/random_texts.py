"""Texts that look for trouble: any Unicode, controls, ideographs, emoji, combining marks, long words, added tokens."""

import random
import sys
import unicodedata

ALPHABETS = {
    "ascii": [chr(c) for c in range(32, 127)],
    "words": ["the", "of", "tagging", "Unbelievable", "COVID-19", "naïve", "Ærøskøbing", "Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "don't", "e.g.", "3.14", "##ing", "x_y"],
    "spaces": [" ", "  ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u200b"],
    "controls": [chr(c) for c in (*range(32), *range(0x7F, 0xA0), 0xAD, 0x200C, 0x200D, 0x200E, 0x2060, 0xFEFF, 0xFFFD, 0xFFFE, 0xE000, 0xE0001, 0x10FFFF)],
    "latin": [chr(c) for c in range(0xA0, 0x250)],
    "greek_cyrillic": [chr(c) for c in range(0x370, 0x530)],
    "marks": [chr(c) for c in range(0x300, 0x370)],
    # Combining marks of all classes, also those that are no accents (Mc) and therefore stay.
    "any_marks": [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.combining(chr(c))] + list("\u302e\u302f\U0001d165\U0001d166\U0001d16d\U0001d16e\U00016ff0"),
    "ideographs": [chr(c) for c in (*range(0x4E00, 0x4E40), *range(0x3400, 0x3410), *range(0xF900, 0xF940), *range(0x20000, 0x20010), *range(0x2F800, 0x2F810), 0x2B920, 0x2B81F)],
    "japanese_korean": [chr(c) for c in (*range(0x3041, 0x30FF), *range(0x1100, 0x1200), *range(0xAC00, 0xAC80))],
    "indic_thai_arabic": [chr(c) for c in (*range(0x900, 0xE60), *range(0x600, 0x700))],
    "punctuation": [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c))[0] == "P"],
    "symbols": [chr(c) for c in range(0x2190, 0x2C00)],
    "emoji": ["😀", "👩‍👩‍👧", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "1️⃣"],
    "case": [c for c in map(chr, range(sys.maxunicode + 1)) if not 0xD800 <= ord(c) < 0xE000 and c.lower() != c],
    "any": None,
}


def any_code_point(rng):
    while True:
        c = rng.randrange(rng.choice((0x100, 0x3000, 0x20000, sys.maxunicode + 1)))
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def random_text(rng: random.Random, tokens=()):
    """One text of a few alphabets, with some of `tokens` inside."""
    names = rng.sample(list(ALPHABETS), rng.randint(1, 4))
    parts = []
    for _ in range(rng.choice((0, 1, 2, 5, 20, 60))):
        roll = rng.random()
        if tokens and roll < 0.1:
            parts.append(rng.choice(tokens))
        elif roll < 0.25:
            parts.append(rng.choice(ALPHABETS["spaces"][:4]))
        elif roll < 0.27:
            parts.append(rng.choice(("a", "é", "漢", "\u0301", "-")) * rng.choice((33, 99, 100, 101, 300)))
        else:
            alphabet = ALPHABETS[rng.choice(names)]
            parts.append(rng.choice(alphabet) if alphabet else any_code_point(rng))
    return "".join(parts)


def random_texts(count, seed, tokens=()):
    rng = random.Random(seed)
    return [random_text(rng, tokens) for _ in range(count)]
