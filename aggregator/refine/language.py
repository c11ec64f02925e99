"""Languages: what a feed says, in the form of BCP 47 (RFC 5646), or else a guess from the text."""

import re
from collections import Counter
from itertools import chain, filterfalse
from typing import NamedTuple

from aggregator.refine.language_tables import SCRIPTS, SHARED, SIMPLIFIED, TRADITIONAL, WORDS

_TAG = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*", re.IGNORECASE
)

# Names and old codes that feeds use for languages.
NAMES: dict[str, str] = {
    "english": "en",
    "chinese": "zh",
    "cn": "zh-CN",
    "jp": "ja",
    "kr": "ko",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "zh-chs": "zh-Hans",
    "zh-cht": "zh-Hant",
    "chs": "zh-Hans",
    "cht": "zh-Hant",
    "zh-hans-cn": "zh-Hans-CN",
    "german": "de",
    "deutsch": "de",
    "french": "fr",
    "spanish": "es",
    "russian": "ru",
    "japanese": "ja",
}
# Not languages.
NONE = frozenset({"und", "mul", "zxx", "mis", "xx", "none", "default"})


def tag(*candidates: str | None) -> str | None:
    """The first of `candidates` that is a language tag, with the usual case ("zh-Hans-CN"), or None."""
    for candidate in candidates:
        text = (candidate or "").strip().replace("_", "-").partition(",")[0].partition(".")[0].strip()
        text = NAMES.get(text.lower(), text)
        if _TAG.fullmatch(text) and text.lower() not in NONE:
            first, *rest = text.split("-")
            return "-".join([first.lower(), *map(_cased, rest)])
    return None


def _cased(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()


SAMPLE = 800
"""Characters that are looked at."""
FEWEST_LETTERS = 20
FEWEST_WORDS = 4
"""Known words that a guess needs at least."""
FEWEST_DIFFERENT = 3
"""Of these, so many different ones."""
CLEAR = 1.4
"""So many times as many as of any other language."""


def _runs(characters: str) -> re.Pattern[str]:
    """Matches runs of `characters`. In this form `re` passes over all else twice as fast as with a `+`."""
    return re.compile(f"[{characters}][{characters}]*")


class _Script(NamedTuple):
    """Matches runs of the letters of a script; with none of the bytes `others` does one begin in UTF-8."""

    runs: re.Pattern[str]
    others: bytes

    def exceeds(self, limit: float, sample: str, data: bytes) -> bool:
        """Whether more than `limit` characters of a sample, `data` in UTF-8, are of the script."""
        return len(data.translate(None, self.others)) > limit and _count(self.runs, sample) > limit


def _script(ranges: str) -> _Script:
    codes = {
        code
        for first, last in re.findall("(.)-(.)", ranges)
        # So many characters share a first byte at least, but for ASCII.
        for code in (*range(ord(first), ord(last), 1 if last.isascii() else 64), ord(last))
    }
    firsts = {chr(code).encode()[0] for code in codes}
    return _Script(_runs(ranges), bytes(set(range(256)) - firsts))


_LETTERS = re.compile(r"[^\W\d_]+")
_NO_LATIN = bytes(code for code in range(256) if not chr(code).isascii() or not chr(code).isalpha())
# Characters from U+5000 to U+9FFF begin with E5 to E9; those with E4 are nearly all Chinese.
_NO_HAN = bytes({*range(256)} - {*range(0xE5, 0xEA)})
_FIRST_OF_SOME_HAN, _FIRST_OF_KANA = b"\xe4", b"\xe3"
_LATIN_WORDS = bytes(code if code >= 128 or chr(code).isalpha() else 32 for code in range(256))
_SCRIPT = {language: _script(ranges) for language, ranges in SCRIPTS.items()}
_SHARED = {ranges: _script(ranges) for ranges in SHARED}
_CHINESE = SHARED["一-鿿"]
_LATIN = _script("a-zA-Z\u00c0-\u024f\u1e00-\u1eff")
_SIMPLIFIED = _runs("".join(sorted(SIMPLIFIED - TRADITIONAL)))
_TRADITIONAL = _runs("".join(sorted(TRADITIONAL - SIMPLIFIED)))
_WORDS = {language: frozenset(words.split()) for language, words in WORDS.items()}
_HOLDERS: dict[str, tuple[str, ...]] = {}
for _language, _words in WORDS.items():
    for _word in _words.split():
        _HOLDERS[_word] = (*_HOLDERS.get(_word, ()), _language)


def guess(text: str) -> str | None:
    """The language of plain text by its script and small words, or None where that is not clear."""
    sample = text[:SAMPLE].lower()
    data = sample.encode("utf-8", "surrogatepass")
    if _is_chinese(sample, data):
        return _among(_CHINESE, sample)
    latin = len(data.translate(None, _NO_LATIN))
    words = _latin_words(data) if latin * 2 > len(sample) else _LETTERS.findall(sample)
    letters = latin if data.isascii() else len("".join(words))
    if letters < FEWEST_LETTERS:
        return None
    # Latin names stand in texts of every script, and Chinese characters in Japanese.
    if latin > letters * 0.7 or _LATIN.exceeds(letters * 0.7, sample, data):
        return _by_words(words)
    return _by_script(sample, data, letters) or _by_words(words)


def _is_chinese(sample: str, data: bytes) -> bool:
    """Whether the first bytes of the characters of a sample, `data` in UTF-8, are enough to tell.

    They are those of most texts: all letters but Chinese characters are too few to count for `guess`.
    """
    certain = len(data.translate(None, _NO_HAN))
    others = len(sample) - certain - data.count(_FIRST_OF_SOME_HAN)
    return (
        certain >= FEWEST_LETTERS
        and certain * 3 >= len(sample)
        and others <= certain * 0.3
        and data.count(_FIRST_OF_KANA) <= certain * 0.1
    )


def _latin_words(data: bytes) -> list[str]:
    """The runs of letters of a text that is nearly ASCII, in UTF-8 and lower case, in any order."""
    words = data.translate(_LATIN_WORDS).decode("utf-8", "surrogatepass").split()
    if data.isascii():
        return words
    others = " ".join(filterfalse(str.isascii, words))
    return [*filter(str.isascii, words), *_LETTERS.findall(others)] if others else words


def _count(signs: re.Pattern[str], sample: str) -> int:
    """How many of `signs`, which matches runs of them, are in `sample`."""
    return sum(map(len, signs.findall(sample)))


def _by_script(sample: str, data: bytes, letters: int) -> str | None:
    if _SCRIPT["ja"].exceeds(letters * 0.1, sample, data):
        return "ja"
    for ranges, script in _SHARED.items():
        if script.exceeds(letters * 0.3, sample, data):
            return _among(SHARED[ranges], sample)
    for language, script in _SCRIPT.items():
        if script.exceeds(letters * 0.3, sample, data):
            return language
    return None


def _among(script: tuple[str, tuple[tuple[str, str], ...]], sample: str) -> str:
    language, others = script
    if language == "zh":
        if _SIMPLIFIED.search(sample) is None:
            return "zh-Hant" if _TRADITIONAL.search(sample) else "zh"
        traditional = _count(_TRADITIONAL, sample)
        return "zh-Hant" if traditional and traditional > _count(_SIMPLIFIED, sample) else "zh-Hans"
    for other, letters in others:
        if sum(map(sample.count, letters)) * 100 > len(sample):
            return other
    return language


def _by_words(words: list[str]) -> str | None:
    holders = filter(None, map(_HOLDERS.get, words))
    found = Counter(chain.from_iterable(holders))
    if not found:
        return None
    best = max(found, key=found.__getitem__)
    most = found.pop(best)
    second = max(found.values(), default=0)
    if most < FEWEST_WORDS or most < second * CLEAR:
        return None
    # Code and formulas say "a" and "b" again and again.
    different = _WORDS[best].intersection(words)
    return best if len(different) >= FEWEST_DIFFERENT else None
