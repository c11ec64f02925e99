"""Output feeds: a node and its articles in, the bytes of one document out.

Pure: the same values give the same bytes. An article that a format cannot take costs only
itself; `EntryCache.problems` says which.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from aggregator.model import Article, Node, Site
from aggregator.publish import atom, jsonfeed, rss
from aggregator.publish.entry import Facts, entry_ids, facts, newest_change
from aggregator.publish.head import Head, head

Format = Literal["atom", "rss", "json"]

# How an entry is rendered, and how those are made one document.
_ENTRY: Mapping[str, Callable[[Facts], Any]] = {
    "atom": atom.render_entry,
    "rss": rss.render_entry,
    "json": jsonfeed.render_entry,
}
_DOCUMENT: Mapping[str, Callable[[Head, Sequence[Any]], bytes]] = {
    "atom": atom.render,
    "rss": rss.render,
    "json": jsonfeed.render,
}

CACHED = 6_000
"""Entries that are kept rendered; a feed shares most of its entries with those above it."""


class EntryCache:
    """Entries rendered once a format during one publishing run, as an article stands in several feeds.

    For one run, one site and one thread: articles are told apart by uid, so an edited one needs
    a new cache. `problems` has a sentence for each article that could not be rendered, by uid.
    """

    def __init__(self, size: int = CACHED) -> None:
        self.problems: dict[str, str] = {}
        self._size = size
        self._facts: OrderedDict[tuple[str, str], Facts | None] = OrderedDict()
        self._entries: OrderedDict[tuple[str, str, str], Any] = OrderedDict()

    def entry(self, fmt: Format, article: Article, article_id: str, site: Site) -> Any:  # noqa: ANN401 - an element or JSON
        """The entry in that format, or None if the article cannot be rendered in it."""
        key = (fmt, article.uid, article_id)
        if key not in self._entries:
            known = self._known(article, article_id, site)
            rendered = None if known is None else self._try(article, lambda: _ENTRY[fmt](known))
            _keep(self._entries, key, rendered, self._size)
        return self._entries[key]

    def _known(self, article: Article, article_id: str, site: Site) -> Facts | None:
        key = (article.uid, article_id)
        if key not in self._facts:
            _keep(self._facts, key, self._try(article, lambda: facts(article, article_id, site)), self._size)
        return self._facts[key]

    def _try(self, article: Article, render: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `render` gives
        """What `render` gives, or None and a problem: no text of a stranger may cost a whole feed."""
        try:
            return render()
        except Exception as error:  # noqa: BLE001 - feedgen and lxml raise whatever they like
            name = article.link or article.guid or article.uid
            self.problems[article.uid] = f"{name}: left out of feeds, it cannot be rendered ({error})"
            return None


def _keep(cache: OrderedDict[Any, Any], key: object, value: object, size: int) -> None:
    """Adds to the cache; the oldest make room."""
    cache[key] = value
    if len(cache) > size:
        cache.popitem(last=False)


def render_feed(
    fmt: Format,
    node: Node,
    articles: Sequence[Article],
    site: Site,
    folder: str,
    cache: EntryCache | None = None,
) -> bytes:
    """The feed of `node` in one format, with at most `site.entries_per_feed` of the `articles`.

    `articles` come newest first. `folder` is where the feed lies, as `paths.feed_folders` says.
    Pass one `cache` for all feeds of a run.
    """
    cache = cache or EntryCache()
    shown = articles[: site.entries_per_feed]
    ids = entry_ids(shown)
    entries = [cache.entry(fmt, article, ids[article.uid], site) for article in shown]
    top = head(fmt, node, site, folder, newest_change(shown))
    return _DOCUMENT[fmt](top, [entry for entry in entries if entry is not None])
