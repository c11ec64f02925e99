"""What worker processes are asked for, under names that take no time to import.

A pass hands documents out and never imports what reads them, unless it reads a small one itself.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["digest_feed", "get_ready", "get_ready_to_publish"]

if TYPE_CHECKING:
    from aggregator.digest import digest_feed
else:

    def digest_feed(*task: object) -> object:
        """As in `aggregator.digest`, whose import it puts off until a worker runs it."""
        from aggregator import digest

        return digest.digest_feed(*task)


def get_ready() -> None:
    """Import what the tasks need."""
    import_module("aggregator.digest")


def get_ready_to_publish() -> None:
    """Import what makes outputs."""
    for name in ("publish.posts", "publish_feeds"):
        import_module(f"aggregator.{name}")
