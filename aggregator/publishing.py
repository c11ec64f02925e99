"""Bring the outputs up to date with the store: only what is out of date, posts first.

stale posts ─► render ─────────────────────────────┐
stale nodes ─► archives, live feeds, pages ─► check ┼─► Output ─► store.published
lists of all feeds and sources ─────────────────────┘
files that no longer belong ─► Output.remove ─► store.removed
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from aggregator import __version__
from aggregator.config import Settings
from aggregator.publish.disk import read
from aggregator.publish.files import Output
from aggregator.publish.paths import INDEX, OPML, SOURCES_OPML
from aggregator.publish_files import Desk, Document, PublishReport
from aggregator.publish_nodes import Nodes
from aggregator.publish_posts import publish_posts
from aggregator.store import OutputRecord, Store
from aggregator.workers import Workers

RENDERING = 7
"""Raise it when the same store and settings come to give other bytes."""
FOLDER = "outputs"
"""The fact that says of which folder the record of files is; with a mark behind it, that of another."""
LISTED = "sources"
"""The fact of the store that says as of which sources the lists were written; empty while they are owed."""


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
    if store.get_meta(FOLDER) != str(settings.outputs):
        _move(store, settings.outputs)
    is_there = (settings.outputs / INDEX).exists()
    if everything or force or not is_there or store.get_meta("published") != fingerprint:
        store.mark_all_stale()
        store.set_meta("published", fingerprint)
    if settings.site.hub:
        from aggregator import pings

        pings.settle(store)
    settled = _settled(settings)
    if store.get_meta("settled") != settled or not store.get_meta(LISTED) or not store.is_fresh():
        _bring_up_to_date(desk, workers, is_there=is_there)
        if store.is_fresh():
            store.set_meta("settled", settled)
    return desk.report


def _move(store: Store, folder: Path) -> None:
    """Put the record of the last folder away, and take that of this one out, if it was written to before.

    What is there as it was written then is ours still; posts of articles that are gone by now are to go.
    """
    last, key = store.get_meta(FOLDER), _put_away(str(folder))
    left = [OutputRecord(path, bytes.fromhex(digest), *rest) for path, digest, *rest in _noted(store, key)]
    ours = [one for one in left if _is_as_written(folder, one)]
    posts = store.output_keys("post")
    with store.together():
        if last is not None:
            rows = [
                (one.path, one.sha256.hex(), one.size, one.kind, one.key) for one in store.outputs().values()
            ]
            store.set_meta(_put_away(last), json.dumps(rows, ensure_ascii=False))
        store.published(ours, serial=0)
        store.retire([one.path for one in ours if one.kind == "post" and one.key not in posts])
        store.set_meta(key, "[]")
        store.set_meta(FOLDER, str(folder))


def _put_away(folder: str) -> str:
    """The fact that holds the record of a folder that was left; names of facts are short."""
    return f"{FOLDER} {hashlib.sha256(folder.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _noted(store: Store, key: str) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(store.get_meta(key) or "[]")
    return rows


def _is_as_written(folder: Path, one: OutputRecord) -> bool:
    try:
        return hashlib.sha256(read(f"{folder}/{one.path}")).digest() == one.sha256
    except OSError:
        return False


def _bring_up_to_date(desk: Desk, workers: Workers | None, *, is_there: bool) -> None:
    with closing(Nodes(desk, workers)) as nodes:
        publish_posts(desk, workers, meanwhile=nodes.begin)
        if not desk.stop():
            _publish_feeds(desk, nodes, is_there=is_there)
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


def _publish_feeds(desk: Desk, nodes: Nodes, *, is_there: bool) -> None:
    """Feeds and pages of stale nodes and of nodes whose folder moved, and the files that list them."""
    nodes.begin()
    from aggregator.publish.opml import render_opml, render_sources_opml  # takes long; workers are busy

    store, plan = desk.store, nodes.plan
    sources = render_sources_opml(desk.sources, desk.site)
    listed = hashlib.sha256(sources).hexdigest()
    if not (plan.due or plan.gone or plan.stale) and is_there and store.get_meta(LISTED) == listed:
        return
    store.set_meta(LISTED, "")  # owed from now on, whatever ends this run
    nodes.publish()
    if desk.stop():
        return
    lists = [
        Document(OPML, render_opml(plan.folders, desk.site), "page", OPML),
        Document(SOURCES_OPML, sources, "page", SOURCES_OPML),
    ]
    # Nodes that are no longer listed anywhere have nothing to be written of.
    written = desk.put(desk.draft(lists), nodes=plan.stale - plan.folders.keys(), serial=plan.serial)
    desk.report.pages += len(written.changed)
    if not written.failed:
        store.set_meta(LISTED, listed)
