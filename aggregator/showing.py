"""`aggregator show`: an article as plain text, and what each edit of it changed."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from aggregator.model import Article
from aggregator.refine.text import collapse, lines
from aggregator.refine.worddiff import Change, diff
from aggregator.store import Store
from aggregator.store.revisions import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A source that carries the article, and the address that it gives."""

    source: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """From one version to the next: when, and what went and came; `text` holds a line a block."""

    at: datetime
    title: tuple[Change, ...]
    link: tuple[Change, ...]
    text: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An article for people: `text` is its body in plain text, a line a block.

    The source of its origin comes first, and the oldest of the `edits`. `first` is the text of the
    oldest version that is kept; None unless the history was asked for.
    """

    uid: str
    title: str
    link: str | None
    published: datetime | None
    first_seen: datetime
    updated: datetime
    authors: tuple[str, ...]
    sources: tuple[Carrier, ...]
    text: str
    first: str | None = None
    edits: tuple[Edit, ...] = ()


def shown(text: str, store: Store, *, history: bool) -> list[Shown]:
    """The articles that a link, guid, uid, its first 8 digits or a post's path names."""
    return [_shown(article, store, history=history) for article in store.find(text.strip())]


def _shown(article: Article, store: Store, *, history: bool) -> Shown:
    versions = store.versions(article.id) if history else ()
    return Shown(
        uid=article.uid,
        title=article.title,
        link=article.link,
        published=article.published,
        first_seen=article.first_seen,
        updated=article.updated,
        authors=article.authors,
        sources=tuple(Carrier(source=one.source, link=one.link) for one in article.sources),
        text=plain_lines(article.body),
        first=plain_lines(versions[0].body) if versions else None,
        edits=tuple(_edit(before, after) for before, after in pairwise(versions)),
    )


def _edit(before: Revision, after: Revision) -> Edit:
    return Edit(
        at=after.since,
        title=diff(before.title, after.title),
        link=diff(before.link or "", after.link or ""),
        text=diff(plain_lines(before.body), plain_lines(after.body)),
    )


def plain_lines(body: str) -> str:
    """Sanitised HTML as plain text: a line for each block that holds text."""
    found = (collapse(line) for line in lines(body).splitlines())
    return "\n".join(line for line in found if line)
