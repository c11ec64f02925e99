"""What the ladder as it is now would make of the articles as they were stored. Nothing is written.

Links are made canonical anew, fingerprints and likenesses are taken of the stored texts, so that a
changed rule, threshold or way to deal with near duplicates can be tried before it is switched on.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.options import Policy
from aggregator.refine import similarity
from aggregator.refine.identity import FINGERPRINT_MIN, exact_hash, normal
from aggregator.refine.urls import canonical
from aggregator.store import likeness
from aggregator.store.chunks import chunks
from aggregator.store.codec import digest, moment, unpack
from aggregator.store.identity import CHURN_ALIKE, CHURN_WINDOW, TEXT_WINDOW, Mark
from aggregator.store.lookup import bodies
from aggregator.store.schema import articles, contents, sightings

_SAMPLES = 20
# Of articles under one name so many, the latest, are compared with the next.
_COMMON = 50
_WORDS = sa.select(
    articles.c.id,
    articles.c.uid,
    articles.c.sort_at,
    articles.c.published,
    articles.c.first_seen,
    contents.c.title,
    contents.c.link,
    contents.c.body,
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
    """An article as it is stored, but for its body; `links` are those of its sightings, made canonical anew.

    `published`, `date` (when it was first seen if it has none) and `sort_at` are microseconds, as is
    when each source first gave it, which `seen` tells.
    """

    id: int
    uid: str
    sort_at: int
    published: int | None
    date: int
    title: str
    linked: bool
    links: frozenset[str]
    seen: Mapping[int, int]

    @property
    def sources(self) -> AbstractSet[int]:
        """Who carried it."""
        return self.seen.keys()

    def named(self, writing: similarity.Writing, body: str) -> Iterator[tuple[Mark, bytes]]:
        """What it would be found by."""
        for link in sorted(self.links):
            yield "link", digest("link", link)
        name = normal(self.title) or f"\x01{self.date}"
        for source_id in sorted(self.seen):
            yield "churn", digest("title", str(source_id), name)
        if self.published is not None and (self.title or body):
            yield "exact", digest("exact", exact_hash(self.title, moment(self.published), body))
        if text := similarity.fingerprint(writing):
            yield "text", digest("text", text)


def run(conn: Connection, policy: Policy) -> Backtest:
    """Try the ladder on everything that is stored, the oldest articles first."""
    report = Backtest()
    by_mark: dict[tuple[Mark, bytes], deque[_Stored]] = defaultdict(lambda: deque(maxlen=_COMMON))
    recent = _Recent(policy)
    for one, body in _stored(conn):
        report.articles += 1
        writing = similarity.writing(one.title, body)
        found = recent.find(one, writing)
        alike = _Alike(conn, body)
        for mark in one.named(writing, body):
            others = by_mark[mark]
            fits = next((other for other in others if _RULES[mark[0]](one, other, alike)), None)
            if fits is not None and (found is None or found.rung == "near"):
                found = Pair(mark[0], one.uid, fits.uid, one.title, fits.title)
            others.append(one)
        if found is not None:
            _note(report, found)
    _try_splits(conn, report)
    return report


class _Alike:
    """How much the texts of articles have in common with one; asked only where it matters."""

    def __init__(self, conn: Connection, body: str) -> None:
        self._conn = conn
        self._body = body

    def __call__(self, article_id: int) -> float | None:
        body = bodies(self._conn, [article_id])[article_id]
        return likeness.alike(likeness.runs_of(self._body), likeness.runs_of(body))

    @property
    def is_short(self) -> bool:
        """Whether this is a text that comes again by chance."""
        return len(self._body) < FINGERPRINT_MIN


def _by_link(one: _Stored, other: _Stored, _alike: _Alike) -> bool:
    return not one.sources & other.sources


def _by_churn(one: _Stored, other: _Stored, alike: _Alike) -> bool:
    """What a source gave at different times; whether it still showed the one then is not on record."""
    apart = abs(one.date - other.date)
    met = any(one.seen[source_id] == other.seen[source_id] for source_id in one.sources & other.sources)
    if apart > CHURN_WINDOW or met:
        return False
    share = alike(other.id)
    if share is None or (apart and alike.is_short):
        return not apart
    return share >= CHURN_ALIKE


def _by_exact(one: _Stored, other: _Stored, alike: _Alike) -> bool:
    return _by_link(one, other, alike) and not (one.linked and other.linked)


def _by_text(one: _Stored, other: _Stored, alike: _Alike) -> bool:
    near = abs(one.date - other.date) <= TEXT_WINDOW
    return _by_link(one, other, alike) and (near or normal(one.title) == normal(other.title))


_RULES: dict[Mark, Callable[[_Stored, _Stored, _Alike], bool]] = {
    "link": _by_link,
    "churn": _by_churn,
    "exact": _by_exact,
    "text": _by_text,
}


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


def _stored(conn: Connection) -> Iterator[tuple[_Stored, str]]:
    """Every article with its body, by the date that sorts."""
    ids = list(conn.execute(sa.select(articles.c.id).order_by(articles.c.sort_at, articles.c.uid)).scalars())
    for some in chunks(ids):
        links, seen = _sighted(conn, some)
        rows = {row.id: row for row in conn.execute(_WORDS.where(articles.c.id.in_(some)))}
        for article_id in some:
            row = rows[article_id]
            article = _Stored(
                id=article_id,
                uid=row.uid,
                sort_at=row.sort_at,
                published=row.published,
                date=row.first_seen if row.published is None else row.published,
                title=row.title,
                linked=row.link is not None,
                links=frozenset(links[article_id]),
                seen=seen[article_id],
            )
            yield article, unpack(row.body)


def _sighted(
    conn: Connection, ids: Iterable[int]
) -> tuple[Mapping[int, set[str]], Mapping[int, Mapping[int, int]]]:
    """By article: its canonical links, and when each source first gave it."""
    links: dict[int, set[str]] = defaultdict(set)
    seen: dict[int, dict[int, int]] = defaultdict(dict)
    statement = sa.select(
        sightings.c.article_id, sightings.c.source_id, sightings.c.link, sightings.c.first_seen
    ).where(sightings.c.article_id.in_(list(ids)))
    for article_id, source_id, link, first_seen in conn.execute(statement):
        before = seen[article_id].get(source_id, first_seen)
        seen[article_id][source_id] = min(before, first_seen)
        if link and (identity := canonical(link)):
            links[article_id].add(identity)
    return links, seen


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
