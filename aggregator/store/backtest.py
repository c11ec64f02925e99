"""What the ladder as it is now would make of the articles as they were stored. Nothing is written.

Links are made canonical anew, fingerprints and likenesses are taken of the stored texts, so that a
changed rule, threshold or way to deal with near duplicates can be tried before it is switched on.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.options import Policy
from aggregator.refine import similarity
from aggregator.refine.urls import canonical
from aggregator.store.codec import digest, unpack
from aggregator.store.schema import articles, bands, contents, sightings

_A_TIME = 500
_SAMPLES = 20


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
class _Known:
    uid: str
    title: str
    sort_at: int
    sources: frozenset[int]


def run(conn: Connection, policy: Policy) -> Backtest:
    """Try the ladder on everything that is stored."""
    report = Backtest()
    known = _Articles(conn)
    by_link: dict[bytes, int] = {}
    by_text: dict[bytes, int] = {}
    for article_id, body, links in _stored(conn):
        report.articles += 1
        one = known.get(article_id)
        marks = [("link", by_link, digest("link", link)) for link in links]
        if text := similarity.fingerprint(similarity.writing(one.title, body)):
            marks.append(("text", by_text, digest("text", text)))
        for rung, seen, mark in marks:
            other_id = seen.setdefault(mark, article_id)
            if other_id != article_id and not one.sources & known.get(other_id).sources:
                _note_merge(report, rung, one, known.get(other_id), None)
                break
    if policy.near != "off":
        _try_near(conn, policy, known, report)
    _try_splits(conn, known, report)
    return report


class _Articles:
    """The facts of articles, read as they are asked for."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._found: dict[int, _Known] = {}

    def get(self, article_id: int) -> _Known:
        if article_id not in self._found:
            self._found[article_id] = self._read(article_id)
        return self._found[article_id]

    def writing(self, article_id: int) -> similarity.Writing:
        statement = sa.select(contents.c.body).where(contents.c.article_id == article_id)
        return similarity.writing(
            self.get(article_id).title, unpack(self._conn.execute(statement).scalar_one())
        )

    def _read(self, article_id: int) -> _Known:
        row = self._conn.execute(
            sa.select(articles.c.uid, contents.c.title, articles.c.sort_at)
            .join_from(articles, contents, contents.c.article_id == articles.c.id)
            .where(articles.c.id == article_id)
        ).one()
        carried = sa.select(sightings.c.source_id).where(sightings.c.article_id == article_id)
        return _Known(row[0], row[1], row[2], frozenset(self._conn.execute(carried).scalars()))


def _stored(conn: Connection) -> Iterator[tuple[int, str, list[str]]]:
    """Every article: id, body, and the canonical links of its sightings."""
    last = 0
    while rows := conn.execute(
        sa.select(contents.c.article_id, contents.c.body)
        .where(contents.c.article_id > last)
        .order_by(contents.c.article_id)
        .limit(_A_TIME)
    ).all():
        last = rows[-1][0]
        links: dict[int, set[str]] = defaultdict(set)
        for article_id, link in conn.execute(
            sa.select(sightings.c.article_id, sightings.c.link).where(
                sightings.c.article_id.in_([row[0] for row in rows]), sightings.c.link.is_not(None)
            )
        ):
            links[article_id].add(canonical(link) or link)
        yield from ((article_id, unpack(body), sorted(links[article_id])) for article_id, body in rows)


def _note_merge(report: Backtest, rung: str, one: _Known, other: _Known, measured: float | None) -> None:
    report.merges[rung] += 1
    if len(report.merged) < _SAMPLES:
        report.merged.append(Pair(rung, one.uid, other.uid, one.title, other.title, measured))


def _try_near(conn: Connection, policy: Policy, known: _Articles, report: Backtest) -> None:
    window = int(policy.window * 1_000_000)
    tried: set[tuple[int, int]] = set()
    for ids in _banded(conn):
        for at, one_id in enumerate(ids):
            for other_id in ids[at + 1 :]:
                if (one_id, other_id) in tried:
                    continue
                tried.add((one_id, other_id))
                one, other = known.get(one_id), known.get(other_id)
                if abs(one.sort_at - other.sort_at) > window or one.sources & other.sources:
                    continue
                judged = similarity.compare(known.writing(one_id), known.writing(other_id))
                if judged.near(policy.threshold):
                    _note_merge(report, "near", one, other, judged.score)


def _banded(conn: Connection) -> Iterator[list[int]]:
    """The groups of stored articles that share a band within a day or two of each other."""
    group: list[int] = []
    before: tuple[int, int] | None = None
    statement = (
        sa.select(bands.c.band, bands.c.day, bands.c.article_id)
        .join(articles, articles.c.id == bands.c.article_id)
        .order_by(bands.c.band, bands.c.day, bands.c.article_id)
    )
    for band, day, article_id in conn.execute(statement):
        if before is not None and (band != before[0] or day > before[1] + 3):
            if len(group) > 1:
                yield sorted(set(group))
            group = []
        group.append(article_id)
        before = (band, day)
    if len(group) > 1:
        yield sorted(set(group))


def _try_splits(conn: Connection, known: _Articles, report: Backtest) -> None:
    """Sightings that were joined by a link which no other sighting of their article has any more."""
    for article_id, links in _joined_by_link(conn):
        own = [canonical(link) or link for link in links]
        lonely = [link for link in own if own.count(link) == 1]
        if len(lonely) == len(own) and len(own) > 1:
            one = known.get(article_id)
            report.splits["link"] += 1
            if len(report.split) < _SAMPLES:
                report.split.append(Pair("link", one.uid, lonely[-1], one.title, ""))


def _joined_by_link(conn: Connection) -> Iterable[tuple[int, list[str]]]:
    joined = sa.select(sightings.c.article_id).where(sightings.c.rung == "link").distinct()
    found: dict[int, list[str]] = defaultdict(list)
    for article_id, link in conn.execute(
        sa.select(sightings.c.article_id, sightings.c.link)
        .where(sightings.c.article_id.in_(joined), sightings.c.link.is_not(None))
        .order_by(sightings.c.article_id, sightings.c.link)
    ):
        found[article_id].append(link)
    return found.items()
