"""What the operator edited takes effect on what was planned and remembered under the old settings.

The store keeps, source by source, a mark of what the settings last said of how often it is asked, of how
its entries are read, and of all of it; so it does not matter whether a daemon saw the edit.
"""

import hashlib
import json
from dataclasses import replace

from aggregator.collect import schedule
from aggregator.config import Settings
from aggregator.model import SourceState
from aggregator.options import Source
from aggregator.store import Store

FACT = "sources.said"
_DIGITS = 8


def follow(settings: Settings, store: Store) -> None:
    """Let edits of sources hold from now on; a store that knows of no settings takes these as they are.

    A failing source is due at once: the edit may have mended it. Where the interval changed, the next
    moment is reckoned anew. Where it changed what becomes of entries, the document, or the folder, is
    read as if it were new, so that what was left out before may come in.
    """
    said = {source.name: _marks(source) for source in settings.sources}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    known = store.get_meta(FACT)
    if known == text:
        return
    before: dict[str, list[str]] = json.loads(known or "{}")
    states = store.states()
    edited = {
        source.name: source
        for source in settings.sources
        if source.name in states and before.get(source.name, said[source.name]) != said[source.name]
    }
    asked, read = ({name for name in edited if before[name][at] != said[name][at]} for at in (0, 1))
    with store.together():
        store.save_states(
            {name: _replanned(source, states[name], asked=name in asked) for name, source in edited.items()}
        )
        store.read_anew(read)
        store.set_meta(FACT, text)


def _replanned(source: Source, state: SourceState, *, asked: bool) -> SourceState:
    if state.failures:
        return replace(state, next_due=None)
    return schedule.replanned(source, state) if asked else state


def _marks(source: Source) -> list[str]:
    fetch, players = source.fetch, source.players and sorted(source.players)
    asked = (fetch.interval, fetch.max_interval, fetch.schedule)
    read = (
        source.timezone,
        source.markup,
        source.proxy_prefixes,
        source.keep,
        source.rules,
        source.categories if source.rules else (),
        players,
        source.tracking,
        source.excerpt,
        source.full_text,
        fetch.max_entries,
    )
    return [_mark(asked), _mark(read), _mark((replace(source, players=None), players))]


def _mark(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
