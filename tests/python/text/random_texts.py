"""Texts that look for trouble: any Unicode, controls, ideographs, emoji, combining marks, very long words, added tokens."""

import random
import sys
import unicodedata

ALL = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]


def of_category(*prefixes):
    return [c for c in ALL if unicodedata.category(c).startswith(prefixes)]


def spans(*ranges):
    return [chr(c) for first, last in ranges for c in range(first, last + 1)]


SPACES = [" ", "  ", "\t", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u200b"]
JOINERS = "\u200c\u200d\u2060\ufeff\u034f"
VARIATION = ["\ufe0e", "\ufe0f", "\U000e0100"]

ALPHABETS = {
    "ascii": spans((32, 126)),
    "words": ["the", "of", "tagging", "Unbelievable", "COVID-19", "naïve", "Ærøskøbing", "Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "don't", "e.g.", "3.14", "##ing", "x_y"],
    "spaces": SPACES,
    "controls": [*spans((0, 31), (0x7F, 0x9F)), *"\xad\u200e\ufffd\ufffe\ue000\U000e0001\U0010ffff", *JOINERS],
    # Marks, embeddings, overrides and isolates of writing direction.
    "bidi": ["\u061c", *spans((0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069)), *"שלום مرحبا abc 12"],
    "latin": spans((0xA0, 0x24F)),
    "greek_cyrillic": spans((0x370, 0x52F)),
    "marks": spans((0x300, 0x36F)),
    # Combining marks of all classes, also those that are no accents (Mc) and therefore stay.
    "any_marks": [c for c in ALL if unicodedata.combining(c)] + list("\u302e\u302f\U0001d165\U0001d166\U0001d16d\U0001d16e\U00016ff0"),
    "ideographs": spans((0x4E00, 0x4E3F), (0x3400, 0x340F), (0xF900, 0xF93F), (0x20000, 0x2000F), (0x2F800, 0x2F80F), (0x2B920, 0x2B920), (0x2B81F, 0x2B81F)),
    "japanese_korean": spans((0x3041, 0x30FE), (0x1100, 0x11FF), (0xAC00, 0xAC7F)),
    "indic_thai_arabic": spans((0x900, 0xE5F), (0x600, 0x6FF)),
    "punctuation": of_category("P"),
    "symbols": spans((0x2190, 0x2BFF)),
    "numbers": of_category("N"),
    # What compatibility normalization would change and this one must not.
    "compatibility": spans((0xFF01, 0xFFEE), (0xFB00, 0xFB06), (0x1D400, 0x1D4FF), (0x2100, 0x214F), (0x3200, 0x33FF)),
    "emoji": ["😀", "👩‍👩‍👧", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "1️⃣", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "👨🏿‍🚀", "\u200d", "\ufe0f", "🏿", "🇪"],
    "case": [c for c in ALL if c.lower() != c or c.upper() != c],
    "private": ["\ue000", "\uf8ff", "\U000f0000", "\U000ffffd", "\U00100000", "\U0010fffd"],
    "noncharacters": [*spans((0xFDD0, 0xFDEF)), *(chr(plane * 0x10000 + low) for plane in range(17) for low in (0xFFFE, 0xFFFF))],
    "unassigned": of_category("Cn")[::97],
    "any": None,
}


def any_code_point(rng):
    while True:
        c = rng.randrange(rng.choice((0x100, 0x3000, 0x20000, sys.maxunicode + 1)))
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def combining_sequence(rng):
    """A letter under many marks, which canonical order puts into another order."""
    return rng.choice("aEçйか한क") + "".join(rng.choices(ALPHABETS["any_marks"], k=rng.randint(1, 12)))


def emoji_sequence(rng):
    """Emoji joined, coloured and varied, sensibly or not."""
    return "".join(rng.choice(ALPHABETS["emoji"]) + rng.choice(["", "\u200d", *VARIATION]) for _ in range(rng.randint(1, 6)))


def long_word(rng):
    """Around the most characters a word may have, and far beyond."""
    return rng.choice(("a", "é", "漢", "\u0301", "-", "un", "ﬃ", "\u0928\u093f", any_code_point(rng))) * rng.choices((33, 99, 100, 101, 300, 5_000), (6, 6, 6, 6, 6, 1))[0]


def random_text(rng: random.Random, tokens=()):
    """One text of a few alphabets, with some of `tokens` inside, glued to what is around them."""
    names = rng.sample(list(ALPHABETS), rng.randint(1, 4))
    parts = []
    for _ in range(rng.choice((0, 1, 2, 5, 20, 60))):
        roll = rng.random()
        if tokens and roll < 0.1:
            parts.append(rng.choice(tokens))
        elif roll < 0.25:
            parts.append(rng.choice(SPACES[:4]))
        elif roll < 0.27:
            parts.append(long_word(rng))
        elif roll < 0.3:
            parts.append(combining_sequence(rng))
        elif roll < 0.32:
            parts.append(emoji_sequence(rng))
        else:
            alphabet = ALPHABETS[rng.choice(names)]
            parts.append(rng.choice(alphabet) if alphabet else any_code_point(rng))
    return "".join(parts)


def random_texts(count, seed, tokens=()):
    rng = random.Random(seed)
    return [random_text(rng, tokens) for _ in range(count)]


def with_surrogates(text, rng):
    """The text with lone surrogates in it, as os.fsdecode and broken JSON leave them."""
    places = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randint(1, 4)))
    parts = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
    return "".join(part + surrogate for part, surrogate in zip(parts, [*(chr(rng.randrange(0xD800, 0xE000)) for _ in places), ""], strict=True))
