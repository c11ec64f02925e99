"""How many entries rules dropped, source by source, kept for `aggregator sources`."""

import json
from collections.abc import Mapping

from aggregator.config import Settings
from aggregator.store import Store

META = "dropped"


def note(settings: Settings, store: Store, dropped: Mapping[str, int]) -> None:
    """Keep the counts of the sources that this pass read; those of others stay."""
    if not any(source.rules for source in settings.sources):
        return
    known = {source.name for source in settings.sources}
    before = read(store)
    after = {name: count for name, count in {**before, **dropped}.items() if count and name in known}
    if after != before:
        store.set_meta(META, json.dumps(after, ensure_ascii=False, sort_keys=True))


def read(store: Store) -> dict[str, int]:
    """The entries dropped of the last document of each source; sources without are left out."""
    found: dict[str, int] = json.loads(store.get_meta(META) or "{}")
    return found
