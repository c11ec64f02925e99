"""What the ladder as it is now would make of the articles as they were stored. Nothing is written.

Links are made canonical anew, fingerprints and likenesses are taken of the stored texts, so that a
changed rule, threshold or way to deal with near duplicates can be tried before it is switched on.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.options import Policy
from aggregator.refine import similarity
from aggregator.refine.urls import canonical
from aggregator.store.chunks import chunks
from aggregator.store.codec import digest, unpack
from aggregator.store.schema import articles, contents, sightings

_SAMPLES = 20
_WORDS = sa.select(
    articles.c.id, articles.c.uid, articles.c.sort_at, contents.c.title, contents.c.body
).join_from(articles, contents, contents.c.article_id == articles.c.id)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles by uid, the rung that says so, and how alike they are.

    Of a split `other` is the link that the article would lose.
    """

    rung: str
    one: str
    other: str
    title: str
    other_title: str
    likeness: float | None = None


@dataclass(slots=True)
class Backtest:
    """How many articles would stay as they are, and which would merge or split; of each some samples."""

    articles: int = 0
    merges: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    splits: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    merged: list[Pair] = field(default_factory=list)
    split: list[Pair] = field(default_factory=list)

    @property
    def stay(self) -> int:
        """Articles that nothing happens to."""
        return self.articles - sum(self.merges.values()) - sum(self.splits.values())


@dataclass(frozen=True, slots=True)
class _Stored:
    """An article as it is stored; `links` are those of its sightings, made canonical anew."""

    id: int
    uid: str
    sort_at: int
    title: str
    body: str
    links: frozenset[str]
    sources: frozenset[int]


def run(conn: Connection, policy: Policy) -> Backtest:
    """Try the ladder on everything that is stored, the oldest articles first."""
    report = Backtest()
    by_mark: dict[bytes, tuple[frozenset[int], str, str]] = {}
    recent = _Recent(policy)
    for one in _stored(conn):
        report.articles += 1
        writing = similarity.writing(one.title, one.body)
        marks = [("link", digest("link", link)) for link in sorted(one.links)]
        if text := similarity.fingerprint(writing):
            marks.append(("text", digest("text", text)))
        merged = False
        for rung, mark in marks:
            carried, uid, title = by_mark.setdefault(mark, (one.sources, one.uid, one.title))
            if uid != one.uid and not carried & one.sources and not merged:
                _note(report, Pair(rung, one.uid, uid, one.title, title))
                merged = True
        near = recent.find(one, writing)
        if near is not None and not merged:
            _note(report, near)
    _try_splits(conn, report)
    return report


class _Recent:
    """The articles whose dates lie within the window, by what nearly equal texts share."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._window = int(policy.window * 1_000_000)
        self._queue: deque[tuple[_Stored, similarity.Writing, tuple[int, ...]]] = deque()
        self._banded: dict[int, list[tuple[_Stored, similarity.Writing]]] = defaultdict(list)

    def find(self, one: _Stored, writing: similarity.Writing) -> Pair | None:
        """The likest article that would be merged with this one; it is among them from now on."""
        bands = () if self._policy.near == "off" else similarity.bands(writing)
        while self._queue and self._queue[0][0].sort_at < one.sort_at - self._window:
            gone, _, gone_bands = self._queue.popleft()
            for band in gone_bands:
                self._banded[band] = [each for each in self._banded[band] if each[0].id != gone.id]
        candidates = {each[0].id: each for band in bands for each in self._banded.get(band, ())}
        found = [
            pair for other, its in candidates.values() if (pair := self._judge(one, writing, other, its))
        ]
        if bands:
            self._queue.append((one, writing, bands))
            for band in bands:
                self._banded[band].append((one, writing))
        return max(found, key=lambda pair: pair.likeness or 0.0, default=None)

    def _judge(
        self, one: _Stored, writing: similarity.Writing, other: _Stored, its: similarity.Writing
    ) -> Pair | None:
        if one.sources & other.sources:
            return None
        judged = similarity.compare(writing, its)
        if not judged.near(self._policy.threshold):
            return None
        return Pair("near", one.uid, other.uid, one.title, other.title, judged.score)


def _stored(conn: Connection) -> Iterator[_Stored]:
    """Every article, by the date that sorts."""
    ids = list(conn.execute(sa.select(articles.c.id).order_by(articles.c.sort_at, articles.c.uid)).scalars())
    for some in chunks(ids):
        links: dict[int, set[str]] = defaultdict(set)
        carried: dict[int, set[int]] = defaultdict(set)
        sighted = sa.select(sightings.c.article_id, sightings.c.source_id, sightings.c.link)
        for article_id, source_id, link in conn.execute(sighted.where(sightings.c.article_id.in_(some))):
            carried[article_id].add(source_id)
            if link and (identity := canonical(link)):
                links[article_id].add(identity)
        rows = {row.id: row for row in conn.execute(_WORDS.where(articles.c.id.in_(some)))}
        for article_id in some:
            row = rows[article_id]
            yield _Stored(
                id=article_id,
                uid=row.uid,
                sort_at=row.sort_at,
                title=row.title,
                body=unpack(row.body),
                links=frozenset(links[article_id]),
                sources=frozenset(carried[article_id]),
            )


def _note(report: Backtest, pair: Pair) -> None:
    report.merges[pair.rung] += 1
    if len(report.merged) < _SAMPLES:
        report.merged.append(pair)


def _try_splits(conn: Connection, report: Backtest) -> None:
    """Sightings that were joined by links of which no two are the same any more."""
    joined = sa.select(sightings.c.article_id).where(sightings.c.rung == "link").distinct()
    links: dict[int, list[str]] = defaultdict(list)
    for article_id, link in conn.execute(
        sa.select(sightings.c.article_id, sightings.c.link)
        .where(sightings.c.article_id.in_(joined), sightings.c.link.is_not(None))
        .order_by(sightings.c.article_id, sightings.c.link)
    ):
        links[article_id].append(canonical(link) or link)
    apart = {article_id: found for article_id, found in links.items() if 1 < len(found) == len(set(found))}
    report.splits.update({"link": len(apart)} if apart else {})
    for article_id in sorted(apart)[:_SAMPLES]:
        row = conn.execute(_WORDS.where(articles.c.id == article_id)).one()
        report.split.append(Pair("link", row.uid, apart[article_id][-1], row.title, ""))
