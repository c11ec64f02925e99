"""What the modules of commands share: options, and how settings and store are come by."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator import streams

if TYPE_CHECKING:
    from aggregator.config import Settings
    from aggregator.store import Store

PATIENCE = 60.0
"""Seconds that a command waits for another pass to end."""


def readable(value: str | None) -> str | None:
    """An argument as text that a database takes, also where its bytes are no UTF-8."""
    return value and value.encode("utf-8", "replace").decode()


WHICH = typer.Argument(
    metavar="URL-OR-ID", help="A link, a guid, a uid, its first 8 digits, or a post.", callback=readable
)
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="PATH", help="The settings file; default: feeds.toml here."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load_settings(config: Path | None, *, files: bool = False) -> "Settings":
    """The settings, as `config.load` reads them; what they warn of goes to standard error."""
    from aggregator.config import load

    settings = load(config, files=files)
    for warning in settings.warnings:
        streams.tell(f"warning: {warning}")
    return settings


def open_store(settings: "Settings") -> "Store":
    """The store that the settings name. Raises StoreError."""
    from aggregator.store import Store

    return Store.open(settings.storage_url, settings.policy)


@contextmanager
def at_work(settings: "Settings") -> Iterator["Store"]:
    """The store, for those who change it or its outputs: one at a time."""
    from aggregator import locks

    _warn_root(locks.database_file(settings.storage_url))
    with locks.hold(settings.storage_url, "pass", patience=PATIENCE), open_store(settings) as store:
        yield store


def _warn_root(database: Path | None) -> None:
    """What root writes among somebody else's files, that user's daemon can neither replace nor remove."""
    if os.geteuid() == 0 and database is not None and database.exists() and database.stat().st_uid != 0:
        trouble = f"the user who owns {database} cannot replace what root writes; work as that user"
        streams.tell(f"warning: {trouble}")


def tell_hub(settings: "Settings", store: "Store") -> None:
    """What changed is told at once where no daemon does; a hub that fails is told by the next command."""
    if settings.site.hub:
        from aggregator import pings

        pings.send(settings, store, lambda: datetime.now(UTC))
