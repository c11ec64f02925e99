"""How many entries were left out, source by source, kept for `aggregator sources`."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from aggregator.config import Settings
from aggregator.reports import SourceReport
from aggregator.store import Store

DROPPED = "dropped"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Entries of the last document of a source: `dropped` by rules, `expired` as `keep` lets them go."""

    dropped: int = 0
    expired: int = 0


NOTHING = LeftOut()


def note(settings: Settings, store: Store, rows: Iterable[SourceReport]) -> None:
    """Keep the counts of the sources that this pass read; those of others stay."""
    known = {source.name for source in settings.sources}
    fresh = [row for row in rows if row.result == "updated"]
    _note(store, DROPPED, {row.source: row.dropped for row in fresh}, known)
    _note(store, EXPIRED, {row.source: row.counts.expired for row in fresh}, known)


def _note(store: Store, fact: str, counts: Mapping[str, int], known: Collection[str]) -> None:
    before = _read(store, fact)
    after = {name: count for name, count in {**before, **counts}.items() if count and name in known}
    if after != before:
        store.set_meta(fact, json.dumps(after, ensure_ascii=False, sort_keys=True))


def read(store: Store) -> dict[str, LeftOut]:
    """What was left out of the last document of each source; sources of which nothing was are left out."""
    dropped, expired = _read(store, DROPPED), _read(store, EXPIRED)
    names = dropped.keys() | expired.keys()
    return {name: LeftOut(dropped.get(name, 0), expired.get(name, 0)) for name in names}


def _read(store: Store, fact: str) -> dict[str, int]:
    found: dict[str, int] = json.loads(store.get_meta(fact) or "{}")
    return found
