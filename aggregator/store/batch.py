"""What is decided once for all entries of a source that is recorded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from aggregator.model import FileStamp, Refined, SourceState
from aggregator.options import Policy, Source
from aggregator.store.codec import micros
from aggregator.store.content import Given
from aggregator.store.shared import Shared
from aggregator.store.sources import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a source gave, and its state.

    void_guids, void_links  what was seen to identify nothing
    stamps                  those of the files that were read (seed directories only)
    gone                    the paths of files that are no longer there (seed directories only)
    shown                   keys (16 bytes) of entries that the source shows unchanged besides these
    seen                    what `Store.last_seen` is to give
    """

    source: Source
    entries: Sequence[Refined]
    state: SourceState
    void_guids: frozenset[str] = frozenset()
    void_links: frozenset[str] = frozenset()
    stamps: Mapping[str, FileStamp] = field(default_factory=dict)
    gone: Collection[str] = ()
    shown: Collection[bytes] = ()
    seen: bytes = b""


@dataclass(frozen=True, slots=True)
class Batch:
    """What all entries of one source share; `now` in microseconds."""

    shared: Shared
    policy: Policy
    recording: Recording
    known: Known
    now: int

    @property
    def conn(self) -> Connection:
        """The connection, once all that was recorded before is in the tables."""
        return self.shared.settled()

    @property
    def source(self) -> Source:
        """The source."""
        return self.recording.source

    @property
    def feed_updated(self) -> int | None:
        """When the feed says that it was last changed."""
        return micros(self.recording.state.feed_updated)

    @property
    def seed(self) -> bool:
        """Whether the source is a seed directory."""
        return self.recording.source.kind == "seed"


@dataclass(frozen=True, slots=True)
class Sighted:
    """A stored sighting: the article, and what tells that the entry moved.

    origin  the key under which its source gives the words of the article, if that one does
    back    whether the source has returned to it from that key
    """

    article_id: int
    published: int | None
    text: bytes
    extras: bytes
    link: str | None
    origin: bytes | None
    back: bool = False

    def differs(self, one: Given) -> bool:
        """Whether the entry moved since."""
        return self.text != one.text or self.extras != one.extras


def sort_date_of(one: Given, first_seen: int) -> int:
    """What orders an article that says what this entry says."""
    return sort_date(one.published, micros(one.entry.file_time), first_seen)


def sort_date(published: int | None, otherwise: int | None, first_seen: int) -> int:
    """What orders an article: its date if that can be true, else `otherwise`, else when it was first seen."""
    if published is not None and 0 <= published <= first_seen:
        return published
    return first_seen if otherwise is None else otherwise
