"""How long unreachable hosts may hold up a pass. In simulated time."""

import heapq

import pytest

from aggregator.collect.patience import CONNECT_SECONDS, OUTAGE_SECONDS, Patience


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def outage(patience: Patience, clock: Clock, *, sources: int, workers: int, cost: float = 99.0) -> float:
    """The seconds of a pass in which no host answers; each try takes all that it may, `cost` at most."""
    free = [(clock.now, number) for number in range(workers)]
    end = clock.now
    running: list[tuple[float, float, int]] = []
    for number in range(sources):
        while not free or (running and running[0][0] <= free[0][0]):
            ended, begun, worker = heapq.heappop(running)
            clock.now = ended
            patience.failed(f"host{worker}", begun)
            heapq.heappush(free, (ended, worker))
        clock.now, _ = heapq.heappop(free)
        seconds = min(cost, patience.seconds())
        heapq.heappush(running, (clock.now + seconds, clock.now, number))
        end = max(end, clock.now + seconds)
    return end


@pytest.mark.parametrize("sources", [1, 10, 1000, 10_000])
@pytest.mark.parametrize("workers", [1, 2, 16])
def test_unreachable_sources_delay_a_pass_by_15_seconds_together(sources: int, workers: int) -> None:
    """However many there are and however few work on them."""
    clock = Clock()
    assert outage(Patience(clock), clock, sources=sources, workers=workers) <= 15.0


def test_a_success_ends_the_outage() -> None:
    """The next host gets its full time again."""
    clock = Clock()
    patience = Patience(clock)
    outage(patience, clock, sources=50, workers=2)
    assert patience.seconds() == 0.0
    patience.succeeded()
    assert patience.seconds() == CONNECT_SECONDS


def test_an_outage_is_forgotten() -> None:
    """A minute after its last failure everything is tried again."""
    clock = Clock()
    patience = Patience(clock)
    outage(patience, clock, sources=50, workers=2)
    clock.now += 120.0
    assert patience.seconds() == CONNECT_SECONDS


def test_one_dead_host_now_and_then_is_no_outage() -> None:
    """A failure an hour does not shorten the patience for the next."""
    clock = Clock()
    patience = Patience(clock)
    for _ in range(5):
        begun = clock.now
        clock.now += CONNECT_SECONDS
        patience.failed("dead.example", begun)
        clock.now += 3600.0
        assert patience.seconds() == CONNECT_SECONDS


def test_refusals_are_quick_and_say_nothing_of_the_network() -> None:
    """Hosts that refuse at once never use up the patience."""
    clock = Clock()
    patience = Patience(clock)
    for number in range(100):
        begun = clock.now
        clock.now += 0.1
        patience.failed(f"host{number}", begun)
    assert patience.seconds() == CONNECT_SECONDS


def test_several_hosts_in_a_row_mean_that_we_are_offline() -> None:
    """One host that fails five times is its own fault; five hosts with no success between are ours."""
    patience = Patience(Clock())
    assert not any(patience.failed("one.example", 0.0) for _ in range(9))
    assert [patience.failed(f"host{number}", 0.0) for number in range(5)] == [False, False, False, True, True]
    patience.succeeded()
    assert not patience.failed("one.example", 0.0)


def test_short_tries_come_last() -> None:
    """While the outage lasts, the time for a try shrinks, to half a second and then to none."""
    clock = Clock()
    patience = Patience(clock)
    clock.now = 5.0
    patience.failed("a.example", 0.0)
    assert patience.seconds() == 6.0
    clock.now = 12.0
    assert patience.seconds() == 0.5
    clock.now = OUTAGE_SECONDS
    assert patience.seconds() == 0.0
