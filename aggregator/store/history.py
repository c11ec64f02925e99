"""How stored articles came about: found by what people know of them, with their sightings."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Article
from aggregator.refine.urls import canonical
from aggregator.store.bulk import Lookup
from aggregator.store.codec import digest, moment
from aggregator.store.content import IS_ORIGIN, load
from aggregator.store.schema import articles, marks, sightings, sources

MOST = 20
"""Articles that one text finds."""

_HEX = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{8})(?![0-9a-f])")

_KEYS = Lookup(
    lambda keys: (
        sa.select(sightings.c.key, sightings.c.article_id)
        .join(sources, sources.c.id == sightings.c.source_id)
        .where(sources.c.name == sa.bindparam("name", None), sightings.c.key.in_(keys))
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A source gave an entry, and it was this article.

    rung      how it was recognised: "new" (as none that was there) or a rung of `identity`
    evidence  what that rests on: the link, or how alike the texts are
    origin    whether the article says what this entry says
    """

    source: str
    rung: str
    origin: bool
    first_seen: datetime
    published: datetime | None
    link: str | None
    guid: str | None
    evidence: str | None = None


def carried(conn: Connection, name: str, keys: Collection[str]) -> dict[str, Article]:
    """The articles that entries of a source with these keys are already."""
    by_digest = {digest("key", key): key for key in keys}
    ids = {by_digest[key]: article_id for key, article_id in _KEYS(conn, by_digest, name=name)}
    found = {article.id: article for article in load(conn, sorted(set(ids.values())))}
    return {key: found[article_id] for key, article_id in ids.items() if article_id in found}


def find(conn: Connection, text: str) -> list[int]:
    """The ids of the articles that a link, a guid, a uid, its first 8 digits, or a post's path names."""
    ids: set[int] = set()
    for digits in uids(text):
        within = (
            articles.c.uid.between(digits, digits + "g") if len(digits) == 8 else articles.c.uid == digits
        )
        ids.update(conn.execute(sa.select(articles.c.id).where(within).limit(MOST)).scalars())
    if link := canonical(text):
        marked = sa.select(marks.c.article_id).where(marks.c.mark == digest("link", link))
        ids.update(conn.execute(marked.limit(MOST)).scalars())
    if not ids:
        # Links that identify nothing leave no mark, and guids are under a hash: look at all.
        named = sa.or_(sightings.c.guid == text, sightings.c.link == text)
        ids.update(conn.execute(sa.select(sightings.c.article_id).where(named).limit(MOST)).scalars())
    return sorted(ids)[:MOST]


def uids(text: str) -> list[str]:
    """The uids in a text, and what may be the first 8 digits of one."""
    return _HEX.findall(text.lower())


def history(conn: Connection, article_id: int) -> tuple[Sighting, ...]:
    """Every sighting of an article, the first first."""
    rows = conn.execute(
        sa.select(sightings, sources.c.name, IS_ORIGIN.label("origin"))
        .join_from(sightings, sources, sources.c.id == sightings.c.source_id)
        .join(articles, articles.c.id == sightings.c.article_id)
        .where(sightings.c.article_id == article_id)
        .order_by(sightings.c.first_seen, sources.c.name, sightings.c.key)
    ).all()
    # Of sightings in one moment the one that made the article came first.
    rows = sorted(rows, key=lambda row: (row.first_seen, row.rung != "new"))
    return tuple(
        Sighting(
            source=row.name,
            rung=row.rung,
            origin=bool(row.origin),
            first_seen=moment(row.first_seen),
            published=moment(row.published),
            link=row.link,
            guid=row.guid,
            evidence=row.evidence,
        )
        for row in rows
    )
