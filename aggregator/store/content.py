"""Articles as they are written to and read from their tables."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import (
    Article,
    Beside,
    CategoryPath,
    Enclosure,
    Episode,
    Origin,
    Outline,
    Provenance,
    Refined,
    Related,
    SourceKind,
)
from aggregator.store.bulk import Lookup
from aggregator.store.codec import (
    HEADER,
    digest,
    from_json,
    micros,
    moment,
    pack,
    packed_size,
    to_json,
    unpack,
)
from aggregator.store.nodes import nodes_by_id
from aggregator.store.schema import articles, contents, related, sightings, sources

Record: TypeAlias = Any
"""A row of a statement that selects more columns than type checkers can follow."""

_ARTICLES = sa.select(
    articles.c.id,
    articles.c.uid,
    articles.c.guid,
    articles.c.first_seen,
    articles.c.published,
    articles.c.sort_at,
    articles.c.updated,
    contents.c.title,
    contents.c.link,
    contents.c.body,
    contents.c.details,
).join_from(articles, contents, contents.c.article_id == articles.c.id)
_BY_ID = Lookup(lambda ids: _ARTICLES.where(articles.c.id.in_(ids)))

IS_ORIGIN = sa.and_(
    sightings.c.source_id == articles.c.origin_source, sightings.c.key == articles.c.origin_key
)
"""Whether the words of an article are those of a sighting."""

_PROVENANCE = Lookup(
    lambda ids: (
        sa.select(
            sightings.c.article_id,
            sightings.c.first_seen,
            sightings.c.published,
            sightings.c.node_id,
            sightings.c.link,
            sources.c.name,
            sources.c.kind,
            sources.c.location,
            sources.c.categories,
            sources.c.feed_link,
            sources.c.feed_id,
            IS_ORIGIN.label("origin"),
        )
        .join_from(sightings, sources, sources.c.id == sightings.c.source_id)
        .join(articles, articles.c.id == sightings.c.article_id)
        .where(sightings.c.article_id.in_(ids))
    )
)


_RELATED = Lookup(
    lambda ids: (
        sa.select(related.c.article_id, articles.c.uid, contents.c.title, contents.c.link, sources.c.name)
        .join_from(related, articles, articles.c.id == related.c.other_id)
        .join(contents, contents.c.article_id == articles.c.id)
        .join(sources, sources.c.id == articles.c.origin_source)
        .where(related.c.article_id.in_(ids))
        .order_by(articles.c.sort_at, articles.c.uid)
    )
)


_OUTLINES = Lookup(
    lambda ids: (
        sa.select(
            articles.c.id,
            articles.c.uid,
            articles.c.guid,
            articles.c.updated,
            sa.func.substr(contents.c.body, sa.literal_column("1"), sa.literal_column(str(HEADER))),
            sa.func.length(contents.c.body),
            articles.c.changed,
            sources.c.name,
            sa.func.length(contents.c.title),
            sa.func.substr(contents.c.details, sa.literal_column("1"), sa.literal_column(str(HEADER))),
            sa.func.length(contents.c.details),
        )
        .join_from(articles, contents, contents.c.article_id == articles.c.id)
        .join(sources, sources.c.id == articles.c.origin_source)
        .where(articles.c.id.in_(ids))
    )
)


@dataclass(frozen=True, slots=True)
class Given:
    """An entry, and what tells whether it moved.

    key         names it within its source
    text        moves when title, text or link moved
    extras      moves when something else that outputs show moved
    published   microseconds
    """

    entry: Refined
    key: bytes
    text: bytes
    extras: bytes
    published: int | None

    @property
    def exact(self) -> bytes:
        """Moves when title, date or body moved."""
        return digest("hash", self.entry.exact_hash)


def given(entry: Refined, *, seed: bool) -> Given:
    """Take in an entry of a feed or a seed directory.

    The queries of pictures and enclosures do not count: tokens and sizes come and go there. Of a
    file everything counts, as somebody edited it.
    """
    shown: list[object] = [
        _without_query(entry.image or ""),
        [[_without_query(enclosure.url), enclosure.type] for enclosure in entry.enclosures],
        list(entry.authors),
        sorted(entry.tags),
    ]
    if entry.episode:  # transcripts come later than their episode
        episode = entry.episode
        addresses = [episode.chapters or "", *(each.url for each in episode.transcripts)]
        shown.append([episode.season, episode.number, *map(_without_query, addresses)])
    if seed:
        shown += [entry.exact_hash, list(entry.categories or ())]
    return Given(
        entry=entry,
        key=digest("key", entry.key),
        text=digest("text", entry.text_hash),
        extras=digest("extras", to_json(shown)),
        published=micros(entry.published),
    )


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _enclosure_values(enclosure: Enclosure) -> list[object]:
    """Its fields in their order; the last one only if it is there, as it came later than the others."""
    values: list[object] = [enclosure.url, enclosure.type, enclosure.length, enclosure.title]
    return [*values, enclosure.duration] if enclosure.duration else values


def _episode_values(episode: Episode) -> list[object]:
    transcripts = [[each.url, each.type, each.language] for each in episode.transcripts]
    return [episode.season, episode.number, episode.chapters, transcripts]


def _beside(comments: str | None, answers: str | None, point: str | None) -> Beside:
    return Beside(comments=comments, answers=answers, point=point)


def _episode(values: list[Any]) -> Episode:
    season, number, chapters, transcripts = values
    return Episode(
        season=season,
        number=number,
        chapters=chapters,
        transcripts=tuple(Enclosure(url, kind, language=language) for url, kind, language in transcripts),
    )


def content_row(article_id: int, entry: Refined) -> dict[str, Any]:
    """The row of `contents` that holds the words of this entry."""
    origin = entry.origin
    beside = entry.beside
    details = {
        "authors": entry.authors,
        "summary": entry.summary,
        "enclosures": [_enclosure_values(each) for each in entry.enclosures],
        "image": entry.image,
        "image_from": entry.image_from,
        "tags": entry.tags,
        "language": entry.language,
        "origin": [origin.title, origin.link, origin.id] if origin else None,
        "rights": entry.rights,
        "date_text": entry.date_text,
        "notes": entry.notes,
        "episode": _episode_values(entry.episode) if entry.episode else None,
        "beside": [beside.comments, beside.answers, beside.point] if beside else None,
    }
    return {
        "article_id": article_id,
        "title": entry.title,
        "link": entry.link,
        "body": pack(entry.body),
        "details": pack(to_json({key: value for key, value in details.items() if value})),
    }


def load(conn: Connection, ids: Sequence[int]) -> list[Article]:
    """The articles with these ids in this order; ids that are not there are left out."""
    rows = {row.id: row for row in _BY_ID(conn, ids)}
    carried = provenance(conn, rows)
    others: dict[int, list[Related]] = defaultdict(list)
    for article_id, uid, title, link, source in _RELATED(conn, rows):
        others[article_id].append(Related(uid=uid, title=title, link=link, source=source))
    return [
        _article(rows[article_id], carried[article_id], tuple(others[article_id]))
        for article_id in ids
        if article_id in rows
    ]


def outlines(conn: Connection, ids: Sequence[int]) -> list[Outline]:
    """The same articles in outline."""
    found = {
        row[0]: Outline(
            id=row[0],
            uid=row[1],
            guid=row[2],
            updated=moment(row[3]),
            size=packed_size(row[4], row[5]),
            changed=row[6],
            source=row[7],
            more=row[8] + packed_size(row[9], row[10]),
        )
        for row in _OUTLINES(conn, ids)
    }
    return [found[article_id] for article_id in ids if article_id in found]


def provenance(conn: Connection, ids: Iterable[int]) -> dict[int, tuple[Provenance, ...]]:
    """For each article every source that carried it, its origin first."""
    rows = _PROVENANCE(conn, ids)
    own = nodes_by_id(conn, {row.node_id for row in rows if row.node_id is not None})
    grouped: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        grouped[row.article_id].append(row)
    found = {}
    for article_id, sighted in grouped.items():
        if len(sighted) > 1:
            sighted.sort(
                key=lambda row: (not row.origin, *rank(row.published, row.first_seen, row.link, row.name))
            )
        by_source: dict[str, Provenance] = {}
        for row in sighted:
            if row.name not in by_source:
                path = own[row.node_id].path if row.node_id is not None else _path(row.categories)
                by_source[row.name] = _provenance(row, path)
        found[article_id] = tuple(by_source.values())
    return found


@lru_cache(maxsize=1024)
def _path(categories: str) -> CategoryPath:
    return tuple(from_json(categories))


def rank(published: int | None, first_seen: int, link: str | None, source: str) -> tuple[int, bool, str]:
    """Orders sightings of one article: first to publish, then with a link, then the source's name."""
    date = published if published is not None and 0 <= published <= first_seen else first_seen
    return (date, not link, source)


def _provenance(row: Record, path: CategoryPath) -> Provenance:
    kind: SourceKind = "seed" if row.kind == "seed" else "feed"
    return Provenance(
        source=row.name,
        kind=kind,
        location=row.location,
        feed_link=row.feed_link,
        feed_id=row.feed_id,
        link=row.link,
        categories=path,
    )


def _article(row: Record, carried: tuple[Provenance, ...], others: tuple[Related, ...]) -> Article:
    details = from_json(unpack(row.details))
    origin = details.get("origin")
    return Article(
        id=row.id,
        uid=row.uid,
        title=row.title,
        first_seen=moment(row.first_seen),
        sort_at=moment(row.sort_at),
        updated=moment(row.updated),
        sources=carried,
        guid=row.guid,
        link=row.link,
        authors=tuple(details.get("authors", ())),
        published=moment(row.published),
        body=unpack(row.body),
        summary=details.get("summary", ""),
        enclosures=tuple(Enclosure(*values) for values in details.get("enclosures", ())),
        image=details.get("image"),
        tags=tuple(details.get("tags", ())),
        language=details.get("language"),
        origin=Origin(*origin) if origin else None,
        rights=details.get("rights"),
        date_text=details.get("date_text"),
        episode=_episode(details["episode"]) if "episode" in details else None,
        beside=_beside(*details["beside"]) if "beside" in details else None,
        related=others,
        image_from=details.get("image_from", ""),
        notes=tuple(details.get("notes", ())),
    )
