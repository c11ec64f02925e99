"""Nearly the same text: keys to find it by, and a judge that is hard to please.

A text is taken as the set of its clauses, the pieces between punctuation, which serve Chinese as
well as English: wire copy that was cut, led into anew or added to shares whole clauses, while
reports of one template differ in a word of each. `bands` gives a few keys for an index;
`compare` then decides on whole texts.

Rules of this file: pure; a false merge is worse than a duplicate, so every doubt says "apart".
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from zlib import crc32

from aggregator.refine import identity
from aggregator.refine.text import lines

THRESHOLD = 0.5
"""Share of clauses (by length, of both texts together) from which on texts are nearly the same."""

KEYS = 8
"""Keys a text: those of the clauses with the smallest checksums. Texts that share a part J of all clauses
share at least one key with a chance of 1 - (1 - J)**8: 0.94 for 0.3, 0.996 for 0.5."""

CLAUSE_MIN = 20
"""Bytes in UTF-8 (20 letters, 7 Chinese characters); shorter clauses are everybody's."""

CUT_SLACK = 30
"""Characters at the end of a cut text that need not match: half words, "read more"."""

NUMBERS_MIN = 3
NUMBERS_SHARED = 0.5
"""Texts with at least `NUMBERS_MIN` numbers each must share this part of them."""

PARTICULARS = 3
"""Numbers and names in the clauses that two texts share: forms share phrases, reports share facts."""
PARTICULARS_OF_FORMS = 8
"""The same where the titles differ like those of forms ("Wanted: a gardener", "Wanted: a teacher")."""
NEARLY_ALL = 0.9
"""With this score and one title, texts need no particulars."""

_DIGITS = re.compile(r"\d+")
_NAME = re.compile(r"(?<=[\w,;] )[^\W\d_]*[A-ZÀ-ÞА-ЯΑ-Ω][^\W\d_]+")
_TOKEN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]|[^\W\u2e80-\u9fff\uac00-\ud7af]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")

# Titles that come again and again over other texts; matched against the whole normalised title.
GENERIC_TITLES: dict[str, str] = {
    r"(?:\w{3,6}day)?(?:daily|weekly|weekend)?open(?:discussion)?thread": "blogs",
    r"(?:daily|weekly|morning|evening|monthly)?(?:news|links|briefing|digest|roundup)": "news",
    r"(?:todays?|thisweeks|latest)?(?:updates?|headlines|stories)": "news",
    r"(?:todays|thisweeks)(?:news|links|headlines|weather)": "news",
    r"(?:weather|weatherforecast|horoscope|obituaries|crossword|lottery|lotteryresults)": "services",
    r"(?:photo|picture|quote|word|image|video)oftheday": "blogs",
    r"(?:untitled|notitle|newpost|announcement|notice|releasenotes|changelog)": "pages",
    r"(?:scheduled|planned)?maintenance": "status pages",
    r"(?:每日|今日|每周|本周|早间|晚间|午间|早|晚)(?:新闻|要闻|快讯|简报|资讯|头条|播报|推荐|天气)": "新闻",
    r"(?:每日|今日|每周|本周)(?:早报|晚报|一图|一句)": "新闻",
    r"(?:早报|晚报|新闻早知道|天气预报|公告|通知|无题|快讯|开奖公告|更新日志|维护公告)": "新闻",
}
_GENERIC = re.compile("|".join(GENERIC_TITLES))

# What a title counts by: digits, Chinese numerals before a counter or in brackets, Roman numerals.
_COUNT = re.compile(
    r"\d+|[一二三四五六七八九十百零〇]+(?=[期回章集篇讲日月周季部卷])|(?<=[（(])[上中下一二三四五六七八九十]+(?=[）)])"
    r"|\b[ivxlc]{2,}\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\d+(?:st|nd|rd|th)?\s*[年月日号期]?"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*\b|(?:周|星期)[一二三四五六日天]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two writings are.

    `score` is the share of clauses they have in common, 0..1, 1 for the start of a longer
    text; `apart` says in a word why they are two all the same, "" where nothing says so.
    """

    score: float
    apart: str = ""

    def near(self, threshold: float = THRESHOLD) -> bool:
        """Whether they are nearly the same."""
        return not self.apart and self.score >= threshold


@dataclass(frozen=True, slots=True)
class Writing:
    """A title and a steady text, with the text's pieces."""

    title: str
    text: str
    pieces: tuple[str, ...]

    @property
    def is_short(self) -> bool:
        """Whether the text is so short that it is like others by chance."""
        return len(self.text) < identity.FINGERPRINT_MIN

    def clauses(self) -> dict[str, int]:
        """The pieces that are long enough to be somebody's own, and the bytes of each."""
        return {piece: size for piece in self.pieces if (size := len(piece.encode())) >= CLAUSE_MIN}


def writing(title: str, body: str) -> Writing:
    """What `compare` needs of an article: its title and sanitised body."""
    return of_text(title, identity.steady(lines(body)))


def of_text(title: str, text: str) -> Writing:
    """The same of a steady text; a short one is not looked into."""
    short = len(text) < identity.FINGERPRINT_MIN
    return Writing(title, text, () if short else identity.pieces(text))


def bands(one: Writing) -> tuple[int, ...]:
    """At most `KEYS` signed 64-bit keys, of which nearly equal texts share one or more.

    None for what is never compared. A key that very many texts have is a closing line of a site
    and finds nothing: an index may pass it over.
    """
    if one.is_short or is_generic(one.title):
        return ()
    long = [clause for clause in set(map(str.encode, one.pieces)) if len(clause) >= CLAUSE_MIN]
    clauses = sorted(zip(map(crc32, long), long, strict=True))
    return tuple(sorted({_key(clause) for _, clause in clauses[:KEYS]}))


def _key(clause: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(clause, digest_size=8).digest(), signed=True)


def fingerprint(one: Writing) -> str | None:
    """32 hex digits that copies share wherever they stand.

    None for short texts and below a generic title; a part of a series shares it only with copies
    of the same number.
    """
    if one.is_short or is_generic(one.title):
        return None
    return identity.digest("".join(one.pieces), *part_of_series(one.title))[:32]


@lru_cache(maxsize=256)
def is_generic(title: str) -> bool:
    """Whether a title says nothing of what is below it ("Open thread", "每日新闻 11月2日")."""
    return bool(_GENERIC.fullmatch(identity.normal(_DATE.sub("", title))))


def part_of_series(title: str) -> tuple[str, ...]:
    """The numbers by which a title counts ("Part 3", "第三期", "II"), in order; empty where it does not."""
    return tuple(number.lower() for number in _COUNT.findall(title))


def compare(one: Writing, other: Writing) -> Likeness:
    """Judge two writings, in whichever order."""
    if one.is_short or other.is_short:
        return Likeness(0.0, "short")
    mine, others = one.clauses(), other.clauses()
    shared = {clause: size for clause, size in mine.items() if clause in others}
    common = sum(shared.values())
    whole = sum(mine.values()) + sum(others.values()) - common
    score = common / whole if whole else 0.0
    if _is_start(one, other) and _same_words(one.title, other.title):
        return Likeness(1.0, _apart(one, other))
    return Likeness(score, _apart(one, other) or _formal(one, other, "".join(shared), score))


def _apart(one: Writing, other: Writing) -> str:
    if is_generic(one.title) or is_generic(other.title):
        return "generic title"
    if part_of_series(one.title) != part_of_series(other.title) and _same_words(one.title, other.title):
        return "series"
    mine, others = set(_NUMBER.findall(one.text)), set(_NUMBER.findall(other.text))
    if min(len(mine), len(others)) >= NUMBERS_MIN:
        shared = len(mine & others) / min(len(mine), len(others))
        return "numbers" if shared < NUMBERS_SHARED else ""
    return ""


def _formal(one: Writing, other: Writing, shared: str, score: float) -> str:
    """Whether two texts have little more in common than phrases."""
    if score >= NEARLY_ALL and _same_words(one.title, other.title):
        return ""
    names = {name.casefold() for name in (*_NAME.findall(one.text), *_NAME.findall(other.text))}
    particulars = len(set(_DIGITS.findall(shared))) + sum(name in shared for name in names)
    needed = PARTICULARS_OF_FORMS if _titles_of_forms(one.title, other.title) else PARTICULARS
    return "form" if particulars < needed else ""


def _titles_of_forms(title: str, other: str) -> bool:
    """Whether two titles begin and end alike for half their length, and each has something else between."""
    one, two = _TOKEN.findall(title.casefold()), _TOKEN.findall(other.casefold())
    start = _alike(one, two)
    end = _alike(one[start:][::-1], two[start:][::-1])
    rest = min(len(one), len(two)) - start - end
    return rest > 0 and (start + end) * 2 >= min(len(one), len(two))


def _alike(one: list[str], other: list[str]) -> int:
    """How many words two titles begin with alike."""
    return sum(1 for _ in takewhile(lambda words: words[0] == words[1], zip(one, other, strict=False)))


def _is_start(one: Writing, other: Writing) -> bool:
    """Whether one text is the start of the other, but for how it was cut."""
    short, long = sorted(("".join(one.pieces), "".join(other.pieces)), key=len)
    kept = short[: max(len(short) - CUT_SLACK, 0)]
    return len(kept) >= identity.FINGERPRINT_MIN // 2 and long.startswith(kept)


def _same_words(title: str, other: str) -> bool:
    """Whether two titles are one but for numbers, marks and case; no title is no contradiction."""
    one, two = (identity.normal(_COUNT.sub("", each)) for each in (title, other))
    return one == two or not one or not two
