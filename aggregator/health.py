"""The health of each source, as `aggregator sources` shows it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from aggregator import drops
from aggregator.collect import schedule
from aggregator.config import Settings
from aggregator.model import SourceState
from aggregator.options import Source, redact
from aggregator.reports import PassReport
from aggregator.store import Store
from aggregator.store.sources import SourceRow

_GONE = "the server says that it is gone for good (410); remove it, or correct its url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One source: how it is, and what the operator should know.

    `next_due` is None for files and folders, which every pass looks at, and for what is asked no more.
    `status` is one of: ok, new (never asked yet), failing, dead (failing for longer than `dead_after`),
    gone (410), off (`enabled = false`), left (no longer in feeds.toml). `dropped` entries of the last
    document fell to rules, `expired` are older than `keep` allows.
    """

    name: str
    kind: str
    location: str
    status: str
    articles: int
    per_day: float
    last_attempt: datetime | None
    last_success: datetime | None
    next_due: datetime | None
    failures: int
    error: str | None
    messages: tuple[str, ...]
    dropped: int = 0
    expired: int = 0


def health(settings: Settings, store: Store, now: datetime) -> list[Health]:
    """Every source that the settings or the store know, in the order of the settings; nothing is written."""
    known = {source.name: source for source in settings.sources}
    stored = {row.name: row for row in store.source_rows(now)}
    rows = [stored.get(source.name) or _unasked(source) for source in settings.sources]
    rows += (row for name, row in stored.items() if name not in known)
    left_out = drops.read(store)
    return [_health(row, known.get(row.name), now, left_out.get(row.name, drops.NOTHING)) for row in rows]


def _unasked(source: Source) -> SourceRow:
    return SourceRow(source.name, source.kind, source.location, True, SourceState(), 0, 0.0)  # noqa: FBT003 - a row


def not_asked(
    settings: Settings, store: Store, report: PassReport, only: Collection[str], now: datetime
) -> list[str]:
    """Why a pass left sources alone that somebody named, or all but those switched off; a line each."""
    asked = {row.source for row in report.sources}
    wanted = [one for one in settings.sources if (one.name in only if only else one.enabled)]
    states = store.states()
    left = [one for one in wanted if one.name not in asked and one.name in states]
    return [f"{one.name}: not asked: {_why(one, states[one.name], now)}" for one in left]


def _why(source: Source, state: SourceState, now: datetime) -> str:
    if not source.enabled:
        return "it has enabled = false"
    if state.gone:
        return _GONE
    if state.retry_after and state.retry_after > now:
        return _left_alone(state.retry_after)
    return "the pass ended before its turn"


def _health(row: SourceRow, source: Source | None, now: datetime, left_out: drops.LeftOut) -> Health:
    state = row.state
    status = _status(state, source, now)
    return Health(
        name=row.name,
        kind=row.kind,
        location=redact(source.location if source else row.location),
        status=status,
        articles=row.articles,
        per_day=round(row.per_day, 2),
        last_attempt=state.last_attempt,
        last_success=state.last_success,
        next_due=state.next_due if source and source.url and status not in {"gone", "off"} else None,
        failures=state.failures,
        error=state.last_error,
        messages=(*_messages(state, source, now), *_left_out(left_out)),
        dropped=left_out.dropped,
        expired=left_out.expired,
    )


def _status(state: SourceState, source: Source | None, now: datetime) -> str:
    if source is None:
        return "left"
    if not source.enabled:
        return "off"
    if state.gone:
        return "gone"
    if state.failures:
        return "dead" if schedule.is_dead(source, state, now) else "failing"
    return "ok" if state.last_success else "new"


def _left_out(count: drops.LeftOut) -> Iterator[str]:
    if count.dropped:
        yield f"rules dropped {_entries(count.dropped)} of its last document"
    if count.expired:
        verb = "is" if count.expired == 1 else "are"
        yield f"{_entries(count.expired)} of its last document {verb} older than `keep` allows"


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def _messages(state: SourceState, source: Source | None, now: datetime) -> list[str]:
    messages = []
    if state.last_error and state.failures:
        since = f" since {state.failing_since:%Y-%m-%d}" if state.failing_since else ""
        times = "once" if state.failures == 1 else f"{state.failures} times"
        messages.append(f"failed {times}{since}: {state.last_error}")
    if source and state.gone:
        messages.append(_GONE)
    if source and schedule.has_moved(state):
        messages.append(f'it has moved; in feeds.toml, write url = "{redact(state.moved_to or "")}"')
    if state.cut:
        messages.append(f"{state.cut} entries were left out of the last document; raise max_entries")
    if source and state.retry_after and state.retry_after > now:
        messages.append(_left_alone(state.retry_after))
    return messages


def _left_alone(until: datetime) -> str:
    return f"the server asked to be left alone until {until:%Y-%m-%d %H:%M} UTC"
