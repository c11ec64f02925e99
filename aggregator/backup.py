"""A copy of the database, where nobody is handed it."""

from pathlib import Path

from aggregator.config import Settings
from aggregator.errors import StoreError
from aggregator.locks import database_file
from aggregator.store import Store


def backup(settings: Settings, target: Path) -> None:
    """Copy the database to a new file. StoreError: there is none, or the file is there or cannot be."""
    if target.resolve().is_relative_to(settings.outputs.resolve()):
        raise StoreError(f"{target}: what lies in {settings.outputs} is handed out; name a file elsewhere")
    file = database_file(settings.storage_url)
    if file is not None and not file.exists():
        raise StoreError(f"{file}: there is no database, so nothing was copied; check [storage] url")
    with Store.open(settings.storage_url, settings.policy) as store:
        store.backup(target)
