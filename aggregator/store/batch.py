"""What is decided once for all entries of one `record`."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from aggregator.options import Policy, Source
from aggregator.store.content import Given
from aggregator.store.sources import Known


@dataclass(frozen=True, slots=True)
class Batch:
    """What all entries of one `record` share; `now` in microseconds."""

    conn: Connection
    policy: Policy
    source: Source
    known: Known
    now: int
    feed_updated: int | None
    gone: Collection[str]
    shown: frozenset[bytes]

    @property
    def seed(self) -> bool:
        """Whether the source is a seed directory."""
        return self.source.kind == "seed"


@dataclass(frozen=True, slots=True)
class Sighted:
    """A stored sighting: the article, and what tells that the entry moved."""

    article_id: int
    published: int | None
    text: bytes
    extras: bytes
    link: str | None

    def differs(self, one: Given) -> bool:
        """Whether the entry moved since."""
        return self.text != one.text or self.extras != one.extras


def sort_date(published: int | None, otherwise: int | None, first_seen: int) -> int:
    """What orders an article: its date if that can be true, else `otherwise`, else when it was first seen."""
    if published is not None and 0 <= published <= first_seen:
        return published
    return first_seen if otherwise is None else otherwise
