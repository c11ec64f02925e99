"""Bring the outputs up to date with the store: only what is out of date, posts first.

stale posts ─► render ─────────────────────────────┐
stale nodes ─► archives, live feeds, pages ─► check ┼─► Output ─► store.published
lists of all feeds and sources ─────────────────────┘
files that no longer belong ─► Output.remove ─► store.removed
"""

import hashlib
from collections.abc import Callable

from aggregator import __version__
from aggregator.config import Settings
from aggregator.model import Node
from aggregator.publish.files import Output
from aggregator.publish.paths import INDEX, OPML, SOURCES_OPML
from aggregator.publish_files import Desk, Document, PublishReport
from aggregator.store import Store
from aggregator.workers import Workers

__all__ = ["EVERYTHING", "PublishReport", "publish"]

EVERYTHING = Node("category", ())
RENDERING = 4
"""Raise it when the same store and settings come to give other bytes."""


def publish(
    settings: Settings,
    store: Store,
    *,
    everything: bool = False,
    force: bool = False,
    stop: Callable[[], bool] = lambda: False,
    workers: Workers | None = None,
) -> PublishReport:
    """Write what is out of date, or `everything`; remove what no longer belongs.

    `force` is everything too, and replaces files that somebody edited. Between batches `stop`
    may end it; the rest stays out of date. Many feeds are rendered by `workers`, if there are any.
    Raises PublishError if the disk refuses; the files that were there stay whole.
    """
    output = Output(settings.outputs)
    desk = Desk(settings.site, settings.sources, store, output, PublishReport(), stop, force=force)
    fingerprint = _fingerprint(settings)
    is_there = (settings.outputs / INDEX).exists()
    if everything or force or not is_there or store.get_meta("published") != fingerprint:
        store.mark_all_stale()
        store.set_meta("published", fingerprint)
    if settings.site.hub:
        from aggregator import pings

        pings.settle(store)
    settled = _settled(settings)
    if store.get_meta("settled") != settled or not store.is_fresh():
        _bring_up_to_date(desk, workers, is_there=is_there)
        if store.is_fresh():
            store.set_meta("settled", settled)
    return desk.report


def _bring_up_to_date(desk: Desk, workers: Workers | None, *, is_there: bool) -> None:
    from aggregator.publish_posts import publish_posts  # what renders takes long to import

    publish_posts(desk, workers)
    if not desk.stop():
        _publish_feeds(desk, workers, is_there=is_there)
    desk.remove()
    desk.output.finish()


def _settled(settings: Settings) -> str:
    """What outputs depend on besides the store: while it is the same, a store that is fresh needs no look."""
    sources = [(source.name, source.location, source.categories) for source in settings.sources]
    return hashlib.sha256(f"{_fingerprint(settings)}\n{sources}".encode()).hexdigest()


def _fingerprint(settings: Settings) -> str:
    """What makes every output out of date when it changes."""
    facts = f"{RENDERING}\n{__version__}\n{settings.outputs}\n{settings.site}"
    return hashlib.sha256(facts.encode()).hexdigest()


def _publish_feeds(desk: Desk, workers: Workers | None, *, is_there: bool) -> None:
    """Feeds and pages of stale nodes and of nodes whose folder moved, and the files that list them."""
    from aggregator.publish.opml import render_opml, render_sources_opml
    from aggregator.publish_feeds import KINDS, folders_of, lost_archives, publish_nodes, wanted_files

    store = desk.store
    stale = store.stale(0)
    folders = folders_of(desk)
    known = {path: row.key for path, row in store.outputs(*KINDS).items()}
    wanted = wanted_files(folders, desk.site)
    gone = known.keys() - {OPML, SOURCES_OPML}.union(*wanted.values())
    gone |= set(lost_archives(desk, folders))
    due = [
        node for node, files in wanted.items() if node in stale.nodes or not files.items() <= known.items()
    ]
    sources = render_sources_opml(desk.sources, desk.site)
    listed = hashlib.sha256(sources).hexdigest()
    if not (due or gone or stale.nodes) and is_there and store.get_meta("sources") == listed:
        return
    store.retire(gone)
    publish_nodes(desk, folders, due, stale.serial, workers)
    if desk.stop():
        return
    lists = [
        Document(OPML, render_opml(folders, desk.site), "page", OPML),
        Document(SOURCES_OPML, sources, "page", SOURCES_OPML),
    ]
    # Nodes that are no longer listed anywhere have nothing to be written of.
    written = desk.write(lists, nodes=set(stale.nodes) - folders.keys(), serial=stale.serial)
    desk.report.pages += len(written.changed)
    store.set_meta("sources", listed)
