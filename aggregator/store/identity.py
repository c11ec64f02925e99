"""Which stored article an entry is. Pure: the store looks up, this decides.

The rungs, first match wins:

    key     same source, same key                                   (looked up by the caller)
    link    same canonical link
    exact   same title, date and body, where one of the two has no link
    text    another source, same text

Marks are hashes under which an article can be found. A false merge is worse than a duplicate:
every rung names what speaks against a candidate.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from aggregator.model import Refined
from aggregator.store.codec import digest

Rung = Literal["new", "link", "exact", "text"]
RUNGS: tuple[Rung, ...] = ("link", "exact", "text")


@dataclass(frozen=True, slots=True)
class Own:
    """A sighting of a candidate by the very source whose entry is being placed."""

    key: bytes
    exact: bytes
    present: bool
    """Whether the source still shows it: in this document, or as a file that exists."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored article that shares a mark with the entry."""

    article_id: int
    uid: str
    own: tuple[Own, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The article that an entry is, and the rung that says so."""

    article_id: int
    rung: Rung


def lookups(entry: Refined) -> dict[Rung, bytes]:
    """The mark to look for on each rung that this entry can take."""
    marks: dict[Rung, bytes] = {}
    if entry.canonical_link:
        marks["link"] = digest("link", entry.canonical_link)
    if _says_something(entry):
        # An entry with a link looks only for those without: two links are two articles.
        marks["exact"] = digest("linkless" if entry.canonical_link else "exact", entry.exact_hash)
    if entry.fingerprint:
        marks["text"] = digest("text", entry.fingerprint)
    return marks


def marks(entry: Refined) -> tuple[bytes, ...]:
    """The marks under which the article of this entry is found later."""
    found = []
    if entry.canonical_link:
        found.append(digest("link", entry.canonical_link))
    if _says_something(entry):
        found.append(digest("exact", entry.exact_hash))
        if not entry.canonical_link:
            found.append(digest("linkless", entry.exact_hash))
    if entry.fingerprint:
        found.append(digest("text", entry.fingerprint))
    return tuple(found)


def _says_something(entry: Refined) -> bool:
    # Two undated entries of a feed that say the same few words need not be one ("Open thread").
    dated = entry.published is not None or entry.file_time is not None
    return bool(entry.exact_hash) and dated and bool(entry.title or entry.body)


def place(
    entry: Refined,
    found: Mapping[Rung, Iterable[Candidate]],
    *,
    seed: bool,
    prefixes: Collection[str] = (),
) -> Match | None:
    """The stored article that this entry is, or None if it is new.

    `found` holds, for each rung, the articles that bear the mark of `lookups`; `prefixes` the
    uid prefixes of all posts of ours in the same seed directory.
    """
    for rung in RUNGS:
        fitting = [
            candidate
            for candidate in found.get(rung, ())
            if _may_be(entry, candidate, rung, seed=seed) and _prefix_agrees(entry, candidate, prefixes)
        ]
        if fitting:
            best = min(
                fitting, key=lambda candidate: (not _has_prefix(entry, candidate), candidate.article_id)
            )
            return Match(best.article_id, rung)
    return None


def _may_be(entry: Refined, candidate: Candidate, rung: Rung, *, seed: bool) -> bool:
    if rung == "text":
        return not candidate.own
    exact = digest("hash", entry.exact_hash)
    if seed:
        return rung == "exact" or not any(own.present and own.exact != exact for own in candidate.own)
    # Entries of one document never merge with one another.
    return not any(own.present for own in candidate.own)


def _prefix_agrees(entry: Refined, candidate: Candidate, prefixes: Collection[str]) -> bool:
    if entry.uid_prefix is None or _has_prefix(entry, candidate):
        return True
    # Another post of ours in the same folder bears these digits, or this folder gave it already.
    return not candidate.own and candidate.uid[:8] not in prefixes


def _has_prefix(entry: Refined, candidate: Candidate) -> bool:
    return entry.uid_prefix is not None and candidate.uid.startswith(entry.uid_prefix)
