"""The ids of entries that outputs show verbatim: no two articles show one, in whichever documents they stand.

The archive pages of a feed are one feed (RFC 5005), and an id names one entry in all of them (RFC 4287
section 4.2.6). So it is decided when words are stored: who shows an id first keeps it, and a later
article goes by an id of its own for good. And an article keeps its id once its post is written, when its
source gives new ones to its archive, or another turns out to be its origin: it is nothing new.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.refine.identity import is_uri
from aggregator.refine.urls import canonical
from aggregator.store.bulk import Lookup
from aggregator.store.codec import digest
from aggregator.store.content import Given
from aggregator.store.schema import articles, marks

_MARKED = Lookup(lambda values: sa.select(marks.c.mark, marks.c.article_id).where(marks.c.mark.in_(values)))
_SHOWN = Lookup(lambda ids: sa.select(articles.c.guid, articles.c.id).where(articles.c.id.in_(ids)))


def mark(given: Given) -> bytes | None:
    """What an article is found by that shows this entry's id; None if its link does, or it has none."""
    entry = given.entry
    if not entry.guid or not is_uri(entry.guid) or (entry.canonical_link and entry.guid == entry.link):
        return None
    return digest("guid", entry.guid)


def taken(conn: Connection, wanting: Mapping[int, str | None], known: Mapping[str, str]) -> set[int]:
    """Those of the articles, by number, that are about to show a guid which another shows.

    `known` has canonical links by their links: many a guid is one.
    """
    guids = {one: guid for one, guid in wanting.items() if guid and is_uri(guid)}
    wanted = {digest("guid", guid) for guid in guids.values()}
    wanted |= {
        digest("link", link) for guid in guids.values() if (link := known.get(guid) or canonical(guid))
    }
    bearing = {row[1] for row in _MARKED(conn, wanted)}
    owners = {row[0]: row[1] for row in _SHOWN(conn, bearing)}
    return {one for one, guid in sorted(guids.items()) if owners.setdefault(guid, one) != one}
