"""Text as the daemon splits it: the recipes train on what the network will be served.

The rules are those of `Sources/Serving/Tasks/Tokenizer.swift` and `TokenFeature.swift`.
"""

import unicodedata

# Symbols that are alphabetic to Unicode although their category says symbol: circled and squared letters.
CIRCLED = [(0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)]
APOSTROPHES = "'\u2019"


def split(text):
    """Words and single characters of punctuation, with their case kept."""
    tokens, word = [], ""
    for index, character in enumerate(text):
        joins = (
            character in APOSTROPHES
            and word
            and word[-1] not in APOSTROPHES
            and index + 1 < len(text)
            and is_word_part(text[index + 1])
        )
        if joins or is_word_part(character):
            word += character
            continue
        if word:
            tokens.append(word)
        word = ""
        if not is_white_space(character):
            tokens.append(character)
    return [*tokens, word] if word else tokens


def is_word_part(character):
    """`\\w` of Unicode: letters, marks, decimal digits, connector punctuation, join controls."""
    return (
        unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Mn", "Mc", "Me", "Nd", "Pc")
        or character in "\u200c\u200d"
        or any(first <= ord(character) <= last for first, last in CIRCLED)
    )


def is_white_space(character):
    return character in "\t\n\v\f\r\x85" or unicodedata.category(character) in ("Zs", "Zl", "Zp")


def lower(text):
    """Lower case by Unicode's rules for single characters, without those for a place in a word."""
    return "".join(character.lower() for character in text)


def suffix(word, length):
    return lower(word)[-length:]


def prefix(word, length):
    return lower(word)[:length]


def shape(word):
    """`X` for capitals, `x` for small letters, `d` for digits, others as they are; at most two alike in a row."""
    shape = ""
    for character in word:
        category = unicodedata.category(character)
        letter = {"Lu": "X", "Ll": "x", "Nd": "d"}.get(category, character)
        if not shape.endswith(2 * letter):
            shape += letter
    return shape
