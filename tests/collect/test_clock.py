"""The clock jumps; no source is asked inside its minimum, and none is forgotten. In simulated time."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from guests import DAY, HOUR, START, feed

from aggregator.collect import schedule
from aggregator.model import Fetched, SourceState

MINUTE = timedelta(minutes=1)
URL = "https://example.org/feed"
SAME = Fetched(body=None, url=URL)


@dataclass
class Machine:
    """A machine whose clock can be set: `real` is the time that has really passed."""

    jump: timedelta = timedelta()
    real: datetime = START
    state: SourceState = field(default_factory=SourceState)
    asked: list[datetime] = field(default_factory=list)
    source = feed(URL, max_interval=3600.0)

    @property
    def clock(self) -> datetime:
        return self.real + self.jump

    def set_clock(self, jump: timedelta, *, seen: bool) -> None:
        """Set the clock; a daemon that runs meanwhile sees it, one that is restarted does not."""
        self.jump += jump
        if seen:
            self.state = schedule.shifted(self.state, jump)

    def run(self, span: timedelta) -> None:
        """Look every minute whether the source is due."""
        end = self.real + span
        while self.real < end:
            if schedule.is_due(self.source, self.state, self.clock):
                self.asked.append(self.real)
                self.state = schedule.after_success(self.source, self.state, SAME, None, self.clock)
            self.real += MINUTE

    @property
    def gaps(self) -> list[timedelta]:
        return [two - one for one, two in zip(self.asked, self.asked[1:], strict=False)]


JUMPS = [-HOUR, HOUR, timedelta(minutes=-90), 3650 * DAY, -3650 * DAY, timedelta(minutes=30), -25 * HOUR, DAY]


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_that_is_seen_changes_nothing(jump: timedelta) -> None:
    """The daemon shifts what it remembers: the source is asked as if nothing had happened."""
    machine = Machine()
    machine.run(10 * HOUR + 20 * MINUTE)
    machine.set_clock(jump, seen=True)
    machine.run(10 * HOUR)
    assert len(machine.asked) >= 18
    assert all(HOUR <= gap <= HOUR * 1.2 for gap in machine.gaps)


def test_many_jumps_that_are_seen_change_nothing() -> None:
    """One after the other, back and forth."""
    machine = Machine()
    for jump in JUMPS * 2:
        machine.run(3 * HOUR + 7 * MINUTE)
        machine.set_clock(jump, seen=True)
    assert len(machine.asked) > 40
    assert all(HOUR <= gap <= HOUR * 1.2 for gap in machine.gaps)


@pytest.mark.parametrize("jump", [-HOUR, timedelta(minutes=-90), -23 * HOUR])
def test_a_clock_set_back_unseen_delays_and_forgets_nothing(jump: timedelta) -> None:
    """Up to a day: the source waits that much longer, once, and is asked again."""
    machine = Machine()
    machine.run(10 * HOUR + 20 * MINUTE)
    machine.set_clock(jump, seen=False)
    machine.run(3 * DAY)
    assert all(gap >= HOUR for gap in machine.gaps)
    assert max(machine.gaps) <= HOUR * 1.2 - jump
    assert len(machine.asked) > 40


@pytest.mark.parametrize("jump", [-3 * DAY, -3650 * DAY])
def test_a_clock_that_had_been_far_ahead_blocks_nothing(jump: timedelta) -> None:
    """What a clock recorded years ahead is not waited for: the source is asked once, then as ever."""
    machine = Machine()
    machine.run(10 * HOUR + 20 * MINUTE)
    machine.set_clock(jump, seen=False)
    machine.run(DAY)
    assert sum(gap < HOUR for gap in machine.gaps) <= 1
    assert max(machine.gaps) <= HOUR * 1.2


def test_retry_after_survives_a_jump_that_is_seen() -> None:
    """What the server asked for is kept exactly."""
    state = SourceState(url=URL, last_attempt=START, next_due=START + HOUR, retry_after=START + HOUR)
    shifted = schedule.shifted(state, -9 * HOUR)
    source = feed(URL)
    before = START - 9 * HOUR + 59 * MINUTE
    assert not schedule.is_due(source, shifted, before, everything=True)
    assert schedule.is_due(source, shifted, before + MINUTE, everything=True)


def test_what_was_not_recorded_is_not_shifted() -> None:
    """A source that was never asked stays so."""
    assert schedule.shifted(SourceState(), DAY) == SourceState()


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Europe/Berlin", "America/St_Johns", "UTC"])
def test_the_time_zone_of_the_machine_plays_no_part(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All moments are UTC: the waits are the same wherever the machine believes to be."""
    machine, elsewhere = Machine(), Machine()
    machine.run(2 * DAY)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        elsewhere.run(2 * DAY)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert elsewhere.asked == machine.asked
