"""What passes did, as values."""

from dataclasses import dataclass
from typing import Literal

from aggregator.model import Counts
from aggregator.publish_files import PublishReport

Result = Literal["updated", "unchanged", "failed"]

NOTHING = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What a pass did for one source; `messages` are what the operator should know.

    `dropped` entries are those that rules left out.
    """

    source: str
    result: Result
    counts: Counts = NOTHING
    seconds: float = 0.0
    messages: tuple[str, ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What a pass did, source by source in the order of the settings."""

    sources: tuple[SourceReport, ...]
    publish: PublishReport

    @property
    def failed(self) -> bool:
        """Whether any source failed."""
        return any(row.result == "failed" for row in self.sources)
