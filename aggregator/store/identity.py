"""Which stored article an entry is. Pure: the store looks up, this decides.

The ladder, first match wins and the rung is recorded:

    key     same source, same key                                          (found by the caller)
    link    same canonical link
    churn   same source under a new key: same title, dates within 2 days, nearly the same text
    exact   same title, date and body, where one of the two has no link
    text    another source, same text of 200 characters or more
    near    another source, nearly the same text within a window of days

An article that matches on a lower rung as well is the same writing too, and is merged with the
first, so that the result does not depend on the order in which sources are asked.

A false merge is worse than a duplicate: every rung names what speaks against a candidate. Above
all a source never gives one article twice at a time: entries that stand in one document are two.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from aggregator.model import Refined
from aggregator.refine.identity import normal
from aggregator.refine.similarity import THRESHOLD, Likeness
from aggregator.store.codec import digest
from aggregator.store.content import Given

Rung = Literal["new", "link", "churn", "exact", "text", "near"]
RUNGS: tuple[Rung, ...] = ("link", "churn", "exact", "text", "near")

_DAY = 86_400_000_000
CHURN_WINDOW = 2 * _DAY
# Texts of one source under one title: an edit keeps this much, another day's issue does not.
CHURN_ALIKE = 0.7
# Under a link or guid that a source gave before: less in common is another writing.
SAME_STORY = 0.4

_TEXT_WINDOW = 7 * _DAY


@dataclass(frozen=True, slots=True)
class Own:
    """A sighting of a candidate by the very source whose entry is being placed."""

    key: bytes
    exact: bytes
    present: bool
    """Whether the source still shows it: in this document, or as a file that exists."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored article that shares a mark with the entry; `date` in microseconds is that of its origin."""

    article_id: int
    uid: str
    title: str = ""
    date: int = 0
    own: tuple[Own, ...] = ()
    sources: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """The article that an entry is, the rung that says so, and what it rests on."""

    article_id: int
    rung: Rung
    evidence: str


@dataclass(frozen=True, slots=True)
class Texts:
    """How the text of an article compares with the entry's, by article id; asked only where it matters.

    alike     how much they have in common, None if neither says anything
    compare   whether two sources tell the same
    """

    alike: Callable[[int], float | None]
    compare: Callable[[int], Likeness]


@dataclass(frozen=True, slots=True)
class Near:
    """An article with nearly the same text that stays apart."""

    article_id: int
    likeness: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an entry is: `matches` best first (all are one writing), none if it is new.

    `void_link`: the source gives its link to entries that have nothing else in common.
    """

    matches: tuple[Match, ...] = ()
    near: tuple[Near, ...] = ()
    void_link: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """What all entries of one document share.

    prefixes    the uid prefixes of all posts of ours in this seed directory
    near        what to do with nearly the same texts of other sources
    threshold   how alike those are, 0.0 to 1.0
    window      how far their dates may lie apart, microseconds
    """

    source_id: int
    seed: bool = False
    prefixes: Collection[str] = field(default=frozenset())
    near: Literal["merge", "link", "off"] = "link"
    threshold: float = THRESHOLD
    window: int = 3 * _DAY


# --- marks: the hashes under which an article is found ------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """A new entry, the marks to look for on each rung, and those under which it is found later."""

    given: Given
    lookups: tuple[tuple[Rung, bytes], ...]
    marks: tuple[bytes, ...]


def named(given: Given, source_id: int) -> Named:
    """An entry of this source with its marks."""
    entry = given.entry
    found: list[tuple[Rung, bytes]] = []
    if entry.canonical_link:
        found.append(("link", digest("link", entry.canonical_link)))
    if mark := _title_mark(given, source_id):
        found.append(("churn", mark))
    if entry.fingerprint:
        found.append(("text", digest("text", entry.fingerprint)))
    marks = [mark for _, mark in found]
    if _says_something(entry):
        exact, linkless = digest("exact", entry.exact_hash), digest("linkless", entry.exact_hash)
        # An entry with a link looks only for those without: two links are two articles.
        found.append(("exact", linkless if entry.canonical_link else exact))
        marks += [exact] if entry.canonical_link else [exact, linkless]
    return Named(given, tuple(found), tuple(marks))


def _title_mark(given: Given, source_id: int) -> bytes | None:
    """What an entry is called within its source; one without a title goes by its date."""
    name = normal(given.entry.title) or (given.published and f"\x01{given.published}")
    return digest("title", str(source_id), str(name)) if name else None


def _says_something(entry: Refined) -> bool:
    # Two undated entries of a feed that say the same few words need not be one ("Open thread").
    dated = entry.published is not None or entry.file_time is not None
    return bool(entry.exact_hash) and dated and bool(entry.title or entry.body)


# --- the decision -------------------------------------------------------------------------


def place(
    given: Given, date: int, found: Mapping[Rung, Iterable[Candidate]], ladder: Ladder, texts: Texts
) -> Verdict:
    """What this entry is.

    date    of the entry in microseconds, or when it was first seen
    found   for each rung the articles that bear the mark of `lookups` or share a band
    """
    matches: dict[int, Match] = {}
    near: list[Near] = []
    void_link = False
    for rung in RUNGS:
        candidates = sorted(found.get(rung, ()), key=lambda one: (not _has_prefix(given.entry, one), one.uid))
        for candidate in candidates:
            if candidate.article_id in matches or not _prefix_agrees(given.entry, candidate, ladder):
                continue
            evidence = _EVIDENCE[rung](given, date, candidate, ladder, texts)
            if evidence is None:
                void_link = void_link or (rung == "link" and _left(candidate, ladder))
            elif rung == "near" and ladder.near == "link":
                near.append(Near(candidate.article_id, float(evidence)))
            else:
                matches[candidate.article_id] = Match(candidate.article_id, rung, evidence)
    return Verdict(tuple(matches.values()), tuple(near), void_link)


def _by_link(given: Given, _date: int, candidate: Candidate, ladder: Ladder, texts: Texts) -> str | None:
    if ladder.seed:
        fits = not any(own.present and own.exact != _exact(given.entry) for own in candidate.own)
    elif any(own.present for own in candidate.own):
        fits = False
    else:
        # A source that links everything to one page shows one entry after the other under that link.
        fits = not candidate.own or _same_story(given.entry, candidate, texts)
    return given.entry.canonical_link if fits else None


def _by_churn(given: Given, date: int, candidate: Candidate, ladder: Ladder, texts: Texts) -> str | None:
    if not _left(candidate, ladder) or abs(date - candidate.date) > CHURN_WINDOW:
        return None
    if normal(given.entry.title) != normal(candidate.title):
        return None
    likeness = texts.alike(candidate.article_id)
    # A short text under a general title comes again every day; on the same second it is one.
    if date != candidate.date and (given.entry.fingerprint is None or likeness is None):
        return None
    if likeness is None:
        return "title and date"
    return f"{likeness:.2f}" if likeness >= CHURN_ALIKE else None


def _by_exact(given: Given, _date: int, candidate: Candidate, ladder: Ladder, _texts: Texts) -> str | None:
    fits = ladder.seed or not any(own.present for own in candidate.own)
    return given.entry.exact_hash if fits else None


def _by_text(given: Given, date: int, candidate: Candidate, _ladder: Ladder, _texts: Texts) -> str | None:
    if candidate.own:
        return None
    # The words of a programme or a series come again every week, under another title.
    same_title = normal(given.entry.title) == normal(candidate.title)
    if not same_title and abs(date - candidate.date) > _TEXT_WINDOW:
        return None
    return given.entry.fingerprint


def _by_near(_given: Given, date: int, candidate: Candidate, ladder: Ladder, texts: Texts) -> str | None:
    if ladder.near == "off" or candidate.own or abs(date - candidate.date) > ladder.window:
        return None
    likeness = texts.compare(candidate.article_id)
    return f"{likeness.score:.2f}" if likeness.near(ladder.threshold) else None


_EVIDENCE: dict[Rung, Callable[[Given, int, Candidate, Ladder, Texts], str | None]] = {
    "link": _by_link,
    "churn": _by_churn,
    "exact": _by_exact,
    "text": _by_text,
    "near": _by_near,
}


def _left(candidate: Candidate, ladder: Ladder) -> bool:
    """Whether this source gave the article before and shows it no more."""
    return not ladder.seed and bool(candidate.own) and not any(own.present for own in candidate.own)


def _same_story(entry: Refined, candidate: Candidate, texts: Texts) -> bool:
    same_title = bool(entry.title) and normal(entry.title) == normal(candidate.title)
    return same_title or (texts.alike(candidate.article_id) or 0.0) >= SAME_STORY


def _exact(entry: Refined) -> bytes:
    return digest("hash", entry.exact_hash)


def _prefix_agrees(entry: Refined, candidate: Candidate, ladder: Ladder) -> bool:
    if entry.uid_prefix is None or _has_prefix(entry, candidate):
        return True
    # Another post of ours in the same folder bears these digits, or this folder gave it already.
    return not candidate.own and candidate.uid[:8] not in ladder.prefixes


def _has_prefix(entry: Refined, candidate: Candidate) -> bool:
    return entry.uid_prefix is not None and candidate.uid.startswith(entry.uid_prefix)


def may_merge(one: Candidate, other: Candidate) -> bool:
    """Whether two stored articles may become one: no source carried both, as sources tell their own apart."""
    return not one.sources & other.sources


def is_recycled(
    given: Given, before: Candidate, before_link: str | None, alike: Callable[[int], float | None]
) -> bool:
    """Whether a key that a source used before names another writing now.

    Some feeds give every entry one guid, and show one entry at a time. An edit keeps the title,
    or the link, or the date, or some of the text.
    """
    entry = given.entry
    if normal(entry.title) == normal(before.title) or given.published == before.date:
        return False
    if entry.canonical_link and entry.link == before_link:
        return False
    return (alike(before.article_id) or 0.0) < SAME_STORY
