"""Why an article is here, or is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Article
from aggregator.refine import similarity
from aggregator.refine.urls import canonical
from aggregator.store import content, history, tombs
from aggregator.store.codec import digest, unpack
from aggregator.store.history import Sighting
from aggregator.store.schema import articles, bands, contents, related
from aggregator.store.tombs import Tomb

_MISSES = 10
# What more articles share is the closing line of a site.
_MOST = 500


@dataclass(frozen=True, slots=True)
class Likeness:
    """Another article, how alike the texts are (0.0 to 1.0), and whether the two name each other.

    `apart` says in a word why they are two writings all the same, if something does.
    """

    uid: str
    title: str
    likeness: float
    related: bool
    apart: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of an address, a uid or a guid: an article, or tombs.

    `sightings` in order; `alike` the articles that this one names, then near misses; `flood` is the
    number of the flood that the article is held for.
    """

    article: Article | None
    sightings: tuple[Sighting, ...] = ()
    alike: tuple[Likeness, ...] = ()
    flood: int | None = None
    tombs: tuple[Tomb, ...] = ()


def explain(conn: Connection, text: str) -> list[Explanation]:
    """Everything known of what a text names (see `history.find`); empty if nothing is."""
    found = [_explain(conn, article) for article in content.load(conn, history.find(conn, text))]
    buried = {tomb.id: tomb for tomb in tombs.by_marks(conn, _link_marks(text))}
    for digits in history.uids(text):
        buried |= {tomb.id: tomb for tomb in tombs.by_uid(conn, digits)}
    if buried:
        found.append(Explanation(None, tombs=tuple(buried.values())))
    return found


def _link_marks(text: str) -> list[bytes]:
    return sorted(digest("link", link) for link in {text, canonical(text) or text})


def _explain(conn: Connection, article: Article) -> Explanation:
    flood = conn.execute(sa.select(articles.c.flood_id).where(articles.c.id == article.id)).scalar_one()
    return Explanation(article, history.history(conn, article.id), _alike(conn, article), flood)


def _alike(conn: Connection, article: Article) -> tuple[Likeness, ...]:
    """The articles that this one names, and the likest of those that it might have been."""
    stored = sa.select(related.c.other_id, related.c.likeness).where(related.c.article_id == article.id)
    named = {row[0]: row[1] for row in conn.execute(stored)}
    mine = similarity.writing(article.title, article.body)
    # The index is by band; what articles have of them is found in their words again.
    sharing = sa.select(bands.c.article_id).distinct().where(bands.c.band.in_(similarity.bands(mine)))
    ids = {*conn.execute(sharing.limit(_MOST)).scalars(), *named} - {article.id}
    found = []
    for row in _words(conn, sorted(ids)):
        judged = similarity.compare(mine, similarity.writing(row.title, unpack(row.body)))
        measured = named.get(row.id, judged.score)
        found.append(Likeness(row.uid, row.title, measured, row.id in named, judged.apart))
    found.sort(key=lambda one: (not one.related, -one.likeness, one.uid))
    return tuple(found[: len(named) + _MISSES])


def _words(conn: Connection, ids: Sequence[int]) -> Sequence[sa.Row[Any, Any, Any, Any]]:
    statement = (
        sa.select(articles.c.id, articles.c.uid, contents.c.title, contents.c.body)
        .join_from(articles, contents, contents.c.article_id == articles.c.id)
        .where(articles.c.id.in_(ids))
    )
    return conn.execute(statement).all()
