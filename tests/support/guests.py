"""A source with its memory and a clock of its own, for the tests of how servers are asked.

guest = Guest(feed(server.url("/feed.xml")), fetcher)
guest.visit()                       # a fetch, remembered by the schedule
guest.visit(after=hours(1))         # only if it is due then
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.collect import schedule
from aggregator.collect.http import HttpFetcher
from aggregator.errors import FetchError, ParseError, SourceError
from aggregator.model import Fetched, Rhythm, SourceState
from aggregator.options import FetchPolicy, Source

START = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def feed(
    url: str, *, name: str = "Example", enabled: bool = True, timezone: str = "UTC", **policy: Any
) -> Source:
    """A source that may reach loopback, with this policy."""
    allowed = {"allow_private_networks": True, "timeout": 10.0} | policy
    return Source(
        name=name,
        kind="feed",
        categories=("Tests",),
        url=url,
        enabled=enabled,
        timezone=timezone,
        fetch=FetchPolicy(**allowed),
    )


class Guest:
    """Visits one source as the pipeline does: fetch what is due, remember what came of it."""

    def __init__(self, source: Source, fetcher: HttpFetcher, *, now: datetime = START) -> None:
        self.source = source
        self.fetcher = fetcher
        self.now = now
        self.state = SourceState()
        self.error: SourceError | None = None

    def due(self, *, everything: bool = False) -> bool:
        return schedule.is_due(self.source, self.state, self.now, everything=everything)

    def visit(
        self, after: timedelta = timedelta(), *, rhythm: Rhythm | None = None, parses: bool = True
    ) -> Fetched | None:
        """Let time pass, then fetch if that is due; None if it was not, or failed (see `error`)."""
        self.now += after
        return self.fetch(rhythm=rhythm, parses=parses) if self.due() else None

    def fetch(self, *, rhythm: Rhythm | None = None, parses: bool = True) -> Fetched | None:
        """Fetch in any case."""
        self.error = None
        try:
            fetched = self.fetcher.fetch(self.source, self.state)
            _parse(succeeds=parses)
        except (FetchError, ParseError) as error:
            self.error = error
            self.state = schedule.after_failure(self.source, self.state, error, self.now)
            return None
        told = (rhythm or Rhythm()) if fetched.body is not None else None
        self.state = schedule.after_success(self.source, self.state, fetched, told, self.now)
        return fetched

    def change(self, **fields: Any) -> None:
        """Change the settings of the source."""
        self.source = replace(self.source, **fields)

    @property
    def wait(self) -> timedelta:
        """From now to the next due moment."""
        assert self.state.next_due is not None
        return self.state.next_due - self.now


def _parse(*, succeeds: bool) -> None:
    if not succeeds:
        raise ParseError("no feed")
