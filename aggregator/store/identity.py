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

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from aggregator.model import Refined
from aggregator.refine.identity import normal
from aggregator.refine.similarity import THRESHOLD, Likeness
from aggregator.store import upstream
from aggregator.store.codec import digest
from aggregator.store.content import Given, rank

Rung = Literal["new", "link", "churn", "exact", "text", "near"]
RUNGS: tuple[Rung, ...] = ("link", "churn", "exact", "text", "near")
Mark = Literal["link", "churn", "exact", "text", "titled"]
"""What a hash is of that articles are found by; `titled`: of a text with its title."""

_DAY = 86_400_000_000
CHURN_WINDOW = 2 * _DAY
# Texts of one source under one title: an edit keeps this much, another day's issue does not.
CHURN_ALIKE = 0.7
# Under a link or guid that a source gave before: less in common is another writing.
SAME_STORY = 0.4

TEXT_WINDOW = 7 * _DAY


@dataclass(frozen=True, slots=True)
class Own:
    """A sighting of a candidate by the very source whose entry is being placed."""

    key: bytes
    exact: bytes
    present: bool
    """Whether the source still shows it: in this document, or as a file that exists."""
    date: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored article that shares a mark with the entry; dates are microseconds.

    date    of its origin; `origin` is that source's id
    own     its sightings by the source whose entry is being placed
    told    on the rung `text`: the dates of the sightings with the entry's text
    titled  on the rung `text`: whether one of these has the entry's title too
    """

    article_id: int
    uid: str
    title: str = ""
    date: int = 0
    origin: int = 0
    own: tuple[Own, ...] = ()
    sources: frozenset[int] = frozenset()
    told: tuple[int, ...] = ()
    titled: bool = False


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
    prefixes: frozenset[str] = frozenset()
    near: Literal["merge", "link", "off"] = "link"
    threshold: float = THRESHOLD
    window: int = 3 * _DAY


# --- marks: the hashes under which an article is found ------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """A new entry, the marks to look for on each rung, and those under which it is found later."""

    given: Given
    lookups: tuple[tuple[Mark, bytes], ...]
    marks: tuple[bytes, ...]


def named(given: Given, source_id: int, now: int) -> Named:
    """An entry of this source with its marks; `now` in microseconds stands in for a date."""
    entry = given.entry
    name = normal(entry.title)
    titles = _title_marks(given, name, source_id, rank(given.published, now, None, "")[0])
    found: list[tuple[Mark, bytes]] = [("churn", mark) for mark in titles]
    marks = list(titles[:1])
    if entry.canonical_link:
        found.append(("link", digest("link", entry.canonical_link)))
        marks.append(found[-1][1])
    if entry.fingerprint:
        told = digest("text", entry.fingerprint)
        titled = digest("titled", entry.fingerprint, name)
        found += [("text", told), ("titled", titled)]
        marks += [told, titled]
    if _says_something(entry):
        exact, linkless = digest("exact", entry.exact_hash), digest("linkless", entry.exact_hash)
        # An entry with a link looks only for those without: two links are two articles.
        found.append(("exact", linkless if entry.canonical_link else exact))
        marks += [exact] if entry.canonical_link else [exact, linkless]
    if own := upstream.mark(given):
        marks.append(own)
    return Named(given, tuple(found), tuple(marks))


def _title_marks(given: Given, name: str, source_id: int, date: int) -> tuple[bytes, ...]:
    """What an entry is called within its source, in its days and in those that its window reaches into.

    With the days in the mark, a title that comes every day leads to a few articles and not to all.
    One without a title goes by its date.
    """
    if not name:
        return (digest("title", str(source_id), f"\x01{given.published}"),) if given.published else ()
    span = 2 * CHURN_WINDOW
    own = date // span
    beside = own - 1 if date % span < CHURN_WINDOW else own + 1
    return tuple(digest("title", str(source_id), name, str(days)) for days in (own, beside))


def told_apart(new: Iterable[Named], source: str) -> list[Named]:
    """The entries of one document; of those that say the same only the first by uid goes by its text."""
    told: set[str] = set()
    found = []
    for one in sorted(new, key=lambda one: (one.given.entry.uid, one.given.key)):
        says = {one.given.entry.fingerprint or "", one.given.entry.exact_hash} - {""}
        found.append(one if told.isdisjoint(says) else without_text(one, source))
        told |= says
    return found


def without_text(one: Named, source: str) -> Named:
    """The entry without what it has of its words: marks, and a uid that copies have too."""
    kept = tuple((name, mark) for name, mark in one.lookups if name in ("link", "churn"))
    own = {*(mark for _, mark in kept), upstream.mark(one.given)}
    given, entry = one.given, one.given.entry
    if not entry.canonical_link:
        uid = derived(entry.uid, source, given.key, entry.uid_prefix)
        given = replace(given, entry=replace(entry, uid=uid))
    return Named(given, kept, tuple(mark for mark in one.marks if mark in own))


def derived(uid: str, source: str, key: bytes, prefix: str | None = None) -> str:
    """The uid for an entry whose own is another's too; the same whoever came first."""
    made = hashlib.sha256(f"{uid}\0{source}\0{key.hex()}".encode("utf-8", "surrogatepass"))
    return ((prefix or "") + made.hexdigest())[:32]


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
        fits = not any(own.present and own.exact != given.exact for own in candidate.own)
    elif any(own.present for own in candidate.own):
        fits = False
    else:
        # A source that links everything to one page shows one entry after the other under that link.
        as_before = any(own.exact == given.exact for own in candidate.own)
        fits = not candidate.own or as_before or _same_story(given.entry, candidate, texts)
    return given.entry.canonical_link if fits else None


def _by_churn(given: Given, date: int, candidate: Candidate, ladder: Ladder, texts: Texts) -> str | None:
    # The title is in the mark. What others call the article, and when they gave it, is their affair.
    apart = min((abs(date - own.date) for own in candidate.own), default=CHURN_WINDOW + 1)
    if not _left(candidate, ladder) or apart > CHURN_WINDOW:
        return None
    likeness = texts.alike(candidate.article_id)
    # A short text under a general title comes again every day; on the same second it is one.
    if apart and (given.entry.fingerprint is None or likeness is None):
        return None
    if likeness is None:
        return "title and date"
    return f"{likeness:.2f}" if likeness >= CHURN_ALIKE else None


def _by_exact(given: Given, _date: int, candidate: Candidate, ladder: Ladder, _texts: Texts) -> str | None:
    fits = ladder.seed or not any(own.present for own in candidate.own)
    return given.entry.exact_hash if fits else None


def _by_text(given: Given, date: int, candidate: Candidate, _ladder: Ladder, _texts: Texts) -> str | None:
    # The words of a programme or a series come again every week, under another title.
    fits = candidate.titled or any(abs(date - told) <= TEXT_WINDOW for told in candidate.told)
    return given.entry.fingerprint if fits and not candidate.own else None


def _by_near(_given: Given, date: int, candidate: Candidate, ladder: Ladder, texts: Texts) -> str | None:
    # Articles that stay apart may have sources in common: they name each other for their words.
    own = candidate.own if ladder.near == "merge" else candidate.origin == ladder.source_id
    if ladder.near == "off" or own or abs(date - candidate.date) > ladder.window:
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
