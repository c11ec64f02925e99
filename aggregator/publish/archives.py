"""Which archive documents a feed has (RFC 5005 section 4), and what each holds.

    oldest article ─────────────────────────────────────────► newest article
    2022-08.atom   2022-09.atom   2022-09-2.atom   ·· not archived yet ··
                                        └── prev-archive ── live feed: the newest N

A document holds the articles of one month, or a part of it, oldest part first. One that is full,
or whose month is over for this feed, changes only by late arrivals, edits, what is taken down, and
once for its link to the next one. What is not archived yet stands in the live feed, so that a new
article costs no archive.

Rules of this file: pure; months and counts in, a plan out. A month is over when the feed has an
article of a later one: the clock is never asked.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aggregator.options import Site
from aggregator.publish.paths import ARCHIVE, address

ENDING = ".atom"


class ArchivePage(NamedTuple):
    """One archive document: the articles `start` to `stop` of a month, counted from its oldest.

    A tuple, as a feed of many years has thousands.
    """

    name: str
    month: str
    start: int
    stop: int
    prev: str | None = None
    next: str | None = None


def plan(months: Mapping[str, int], live: int, size: int) -> tuple[ArchivePage, ...]:
    """The archive documents of a feed, oldest first; none if the live feed holds everything.

    months  how many articles the feed has in each month
    live    how many of the newest stand in the live feed
    size    articles in one document, at most
    """
    if sum(months.values()) <= live:
        return ()
    last = max(months)
    parts = [part for month in sorted(months) for part in _parts(month, months[month], size)]
    # The last part may still grow; until it is full the live feed alone has it.
    if parts[-1][1] == last and months[last] % size and months[last] % size <= live:
        parts.pop()
    names = [None, *(name for name, *_ in parts), None]
    return tuple(ArchivePage(*part, names[number], names[number + 2]) for number, part in enumerate(parts))


def _parts(month: str, count: int, size: int) -> list[tuple[str, str, int, int]]:
    """Name, month, start and stop of the documents of a month."""
    return [
        (month if not start else f"{month}-{start // size + 1}", month, start, min(start + size, count))
        for start in range(0, count, size)
    ]


def archive_path(folder: str, name: str) -> str:
    """Where an archive document lies, relative to the outputs; `folder` is that of its feed."""
    return f"{folder}/{ARCHIVE}/{name}{ENDING}"


def in_order(paths: Iterable[str]) -> list[str]:
    """The names of the archive documents at these paths of one feed, oldest first."""
    names = (path.rsplit("/", 1)[-1].removesuffix(ENDING) for path in paths)
    return sorted(names, key=lambda name: (name[:7], int(name[8:] or 1)))


def archive_address(site: Site, folder: str, name: str) -> str:
    """The public URL of an archive document."""
    return address(site, archive_path(folder, name))
