"""What worker processes are asked for, under names that take no time to import.

A pass hands a document out and then imports what the answer is made of, while the worker starts.
"""

from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

from aggregator.model import SourceState
from aggregator.options import Source

if TYPE_CHECKING:
    from aggregator.digest import Digested


def get_ready() -> None:
    """Import what the tasks need."""
    import_module("aggregator.digest")


def get_ready_to_publish() -> None:
    """Import what makes outputs."""
    for name in ("publish_posts", "publish_feeds"):
        import_module(f"aggregator.{name}")


def digest_feed(
    source: Source,
    state: SourceState,
    body: bytes,
    url: str,
    content_type: str | None,
    now: datetime,
    known: bytes,
) -> "Digested":
    """As in `aggregator.digest`."""
    from aggregator import digest

    return digest.digest_feed(source, state, body, url, content_type, now, known)
