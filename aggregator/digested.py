"""What digesting takes and comes to: values that travel between processes, and take no time to import."""

from dataclasses import dataclass
from datetime import datetime

from aggregator.model import Document, FileStamp, Refined
from aggregator.refine.results import RefinedDocument, Ruled, too_slow


@dataclass(frozen=True, slots=True)
class Digested:
    """A feed document: what it says of itself (no entries), and its entries refined.

    Entries that were stored before may be left out: `shown` are the store's names for these, and
    `dates` theirs. `seen` is what to hand in with the next document (see `aggregator.seen`).
    """

    document: Document
    refined: RefinedDocument
    seen: bytes = b""
    shown: tuple[bytes, ...] = ()
    dates: tuple[datetime, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd and survived."""
        return (*self.document.notes, *self.refined.notes, *too_slow(self.refined.ruled))


@dataclass(frozen=True, slots=True)
class RawFile:
    """A seed file that was read: its path relative to the seed directory, and its bytes."""

    path: str
    stamp: FileStamp
    data: bytes


@dataclass(frozen=True, slots=True)
class DigestedFiles:
    """Seed files: their articles, the stamps of those that could be used, and what was wrong."""

    articles: tuple[Refined, ...]
    stamps: dict[str, FileStamp]
    problems: tuple[str, ...]
    ruled: tuple[Ruled, ...] = ()
