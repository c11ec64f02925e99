"""How hosts and sites are spared: the rules of docs/politeness.md, "Hosts and sites". In simulated time."""

import heapq
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest
from guests import DAY, HOUR, START, feed
from hypothesis import given
from hypothesis import strategies as st
from loopback import Reply, Request, Server

from aggregator.collect import schedule
from aggregator.collect.hosts import HostQueue, Sites, Turns, host_of, site_of
from aggregator.collect.http import HttpFetcher
from aggregator.errors import FetchError, HttpError, ParseError
from aggregator.model import SourceState
from aggregator.options import Source


@dataclass(frozen=True)
class Visit:
    """One exchange in simulated time."""

    source: str
    host: str
    begun: float
    ended: float


def simulate(sources: list[Source], *, workers: int = 16, seconds: float = 0.2) -> list[Visit]:
    """What a pool of workers does with the queue, each exchange taking `seconds`."""
    queue = HostQueue(sources)
    now, free = 0.0, workers
    running: list[tuple[float, int, Source]] = []
    visits: list[Visit] = []
    while len(queue) or running:
        while free and (source := queue.take(now)) is not None:
            free -= 1
            heapq.heappush(running, (now + seconds, len(visits), source))
            visits.append(Visit(source.name, host_of(source.url or ""), now, now + seconds))
        ends = running[0][0] if running else inf
        ready = now + queue.wait(now) if free else inf
        assert min(ends, ready) < inf, "somebody waits for ever"
        now = min(ends, ready)
        while running and running[0][0] <= now:
            free += 1
            queue.done(heapq.heappop(running)[2], now)
    return visits


def source(number: int, host: str, *, per_host: int = 1, delay: float = 1.0) -> Source:
    return feed(f"https://{host}/{number}", name=f"{number}", per_host=per_host, per_host_delay=delay)


def most_at_once(visits: list[Visit]) -> int:
    changes = sorted([(visit.begun, 1) for visit in visits] + [(visit.ended, -1) for visit in visits])
    now, most = 0, 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


# --- hosts --------------------------------------------------------------------------------


def test_a_thousand_sources_of_one_host_go_one_by_one() -> None:
    """In the order of the settings, never two at a time, a second of rest between two."""
    visits = simulate([source(number, "one.example") for number in range(1000)])
    assert [visit.source for visit in visits] == [str(number) for number in range(1000)]
    for one, two in pairwise(visits):
        assert two.begun == pytest.approx(one.ended + 1.0)


def test_a_thousand_hosts_do_not_wait_for_one_another() -> None:
    """Each worker always has something to do: 1,000 exchanges in 63 rounds of 16."""
    visits = simulate([source(number, f"host{number}.example") for number in range(1000)])
    assert [visit.source for visit in visits] == [str(number) for number in range(1000)]
    assert most_at_once(visits) == 16
    assert visits[-1].ended == pytest.approx(63 * 0.2)


def test_a_busy_host_does_not_hold_up_the_others() -> None:
    """A hundred sources of one host first, ten others behind them: those go at once."""
    crowd = [source(number, "crowd.example") for number in range(100)]
    others = [source(100 + number, f"other{number}.example") for number in range(10)]
    visits = simulate(crowd + others, workers=4)
    assert max(visit.ended for visit in visits if visit.host != "crowd.example") < 1.0


def test_per_host_is_how_many_may_go_at_once() -> None:
    """Three connections where the operator allows three, and no more."""
    visits = simulate([source(number, "one.example", per_host=3, delay=0.0) for number in range(30)])
    assert most_at_once(visits) == 3


def test_the_pause_holds_from_one_pass_to_the_next() -> None:
    """A source that is due a few seconds after another of its host waits as if both had been due at once."""
    lasts: dict[str, float] = {}
    before = HostQueue([source(0, "a.example", delay=30.0)], lasts=lasts)
    first = before.take(100.0)
    assert first is not None
    before.done(first, 101.0)
    after = HostQueue([source(1, "a.example", delay=30.0), source(2, "b.example", delay=30.0)], lasts=lasts)
    other = after.take(105.0)
    assert other is not None
    assert other.name == "2"
    assert (after.take(105.0), after.wait(105.0)) == (None, 26.0)


def test_hosts_are_the_same_in_any_spelling() -> None:
    """Case, port, user part, a final dot and letters beyond ASCII make no other host of it."""
    spellings = [
        "https://A.example/1",
        "http://a.example:8080/",
        "https://me:pw@a.EXAMPLE./x",
        "https://a.example",
    ]
    assert {host_of(spelling) for spelling in spellings} == {"a.example"}
    sources = [feed(spelling, name=spelling) for spelling in spellings]
    assert most_at_once(simulate(sources)) == 1
    assert host_of("http://Bücher.example/") == host_of("http://xn--bcher-kva.example/")
    assert site_of(host_of("http://a.例子.公司.cn/")) == site_of("xn--fsqu00a.xn--55qx5d.cn")
    assert host_of("http://x\u200d.example/") == "x\u200d.example"


def test_a_moved_source_counts_for_its_new_host() -> None:
    """What counts is where the request goes."""
    old = source(0, "old.example")
    moved = SourceState(
        url=old.url,
        moved_to="https://new.example/",
        moved_since=START - 9 * DAY,
        moved_count=9,
        last_success=START,
    )
    queue = HostQueue([old, source(1, "new.example")], {"0": moved})
    assert queue.take(0.0) == old
    assert queue.take(0.0) is None


def test_local_files_wait_for_nothing(tmp_path: Path) -> None:
    """They are on no host."""
    files = [Source(name=str(number), kind="feed", categories=(), path=tmp_path) for number in range(5)]
    queue = HostQueue(files)
    assert [queue.take(0.0) for _ in files] == files
    assert (queue.take(0.0), queue.wait(0.0), len(queue)) == (None, inf, 0)


sources = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.0])), max_size=40
).map(
    lambda rows: [
        source(number, f"host{host}.example", per_host=per_host, delay=delay)
        for number, (host, per_host, delay) in enumerate(rows)
    ]
)


@given(sources, st.integers(1, 8), st.sampled_from([0.0, 0.1, 2.0]))
def test_every_source_goes_once_and_no_limit_is_passed(
    queued: list[Source], workers: int, seconds: float
) -> None:
    """Whatever the mixture: each once, in order within its host, within its own limits."""
    visits = simulate(queued, workers=workers, seconds=seconds)
    limits = {one.name: one.fetch for one in queued}
    assert sorted(visit.source for visit in visits) == sorted(limits)
    by_host: defaultdict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_host[visit.host].append(visit)
    for mine in by_host.values():
        assert [int(visit.source) for visit in mine] == sorted(int(visit.source) for visit in mine)
        for number, visit in enumerate(mine):
            before = mine[:number]
            policy = limits[visit.source]
            assert sum(one.ended > visit.begun for one in before) < policy.per_host
            assert all(visit.begun >= one.begun + policy.per_host_delay for one in before)


def test_taking_turns_is_quick_for_many() -> None:
    """Ten thousand sources on a thousand hosts pass through the queue in well under a second."""
    queued = [source(number, f"host{number % 1000}.example", delay=0.0) for number in range(10_000)]
    begun = time.perf_counter()
    assert len(simulate(queued)) == 10_000
    assert time.perf_counter() - begun < 2.0


def test_threads_keep_to_the_limits(fetcher: HttpFetcher) -> None:
    """Eight threads, twelve sources of one server, two at a time: a real server sees no more."""
    at_once: list[int] = []
    inside = 0
    lock = threading.Lock()

    def answer(_: Request) -> Reply:
        nonlocal inside
        with lock:
            inside += 1
            at_once.append(inside)
        time.sleep(0.01)
        with lock:
            inside -= 1
        return Reply(b"x")

    def work(turns: Turns) -> None:
        while (one := turns.take()) is not None:
            fetcher.fetch(one, SourceState())
            turns.done(one)

    with Server({"*": answer}) as server, ThreadPoolExecutor(8) as pool:
        queued = [
            feed(server.url(f"/{number}"), name=str(number), per_host=2, per_host_delay=0.0)
            for number in range(12)
        ]
        turns = Turns(HostQueue(queued))
        for running in [pool.submit(work, turns) for _ in range(8)]:
            running.result(timeout=20)
        assert sorted(request.path for request in server.requests) == sorted(
            f"/{number}" for number in range(12)
        )
    assert max(at_once) <= 2


def test_stopping_wakes_those_who_wait() -> None:
    """A thread that waits for its turn gets none after `stop`, at once."""
    turns = Turns(HostQueue([source(0, "a.example"), source(1, "a.example", delay=3600.0)]))
    assert turns.take() is not None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(turns.take)
        turns.stop()
        assert waiting.result(timeout=5) is None


# --- sites --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("feeds.bbc.co.uk", "bbc.co.uk"),
        ("www.example.org", "example.org"),
        ("example.org", "example.org"),
        ("one.blogspot.com", "one.blogspot.com"),
        ("me.github.io", "me.github.io"),
        ("xn--fsqu00a.xn--55qx5d.cn", "xn--fsqu00a.xn--55qx5d.cn"),
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "2130706433"),
        ("::1", "::1"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
        ("", ""),
    ],
)
def test_a_site_is_a_registrable_domain(host: str, site: str) -> None:
    """As publicsuffix.org says; hosts of strangers under one suffix are strangers."""
    assert site_of(host) == site


def test_sources_of_one_site_know_one_another() -> None:
    """By registrable domain, whatever the host; the source itself is not among them."""
    hosts = [
        "a.example.org",
        "b.example.org",
        "example.org",
        "example.com",
        "a.blogspot.com",
        "b.blogspot.com",
    ]
    mine = [source(number, host) for number, host in enumerate(hosts)]
    sites = Sites(mine)
    assert sites.sharing(mine[0]) == (mine[1], mine[2])
    assert sites.sharing(mine[3]) == ()
    assert sites.sharing(mine[4]) == ()
    assert sites.sharing(mine[3], "https://www.example.org/there") == (mine[0], mine[1], mine[2])
    moved = SourceState(
        url=mine[3].url,
        moved_to="https://new.example.org/",
        moved_since=START - 9 * DAY,
        moved_count=9,
        last_success=START,
    )
    sites = Sites(mine, {mine[3].name: moved})
    assert sites.sharing(mine[3]) == (mine[0], mine[1], mine[2])
    assert sites.sharing(mine[0]) == (mine[1], mine[2], mine[3])


@pytest.mark.parametrize("status", [429, 503])
def test_a_429_or_503_pauses_the_whole_site(status: int) -> None:
    """Its other sources leave the queue of this pass, and are not due until the server's time is over."""
    mine = [source(number, f"{number}.example.org") for number in range(5)] + [source(9, "other.example")]
    queue, sites = HostQueue(mine), Sites(mine)
    first = queue.take(0.0)
    assert first == mine[0]
    pause = schedule.site_pause(HttpError("no", status=status, retry_after=7200.0), START)
    assert pause is not None
    dropped = queue.drop(sites.sharing(first))
    assert dropped == mine[1:5]
    assert [queue.take(0.0), queue.take(9.0)] == [mine[5], None]
    held = schedule.paused(SourceState(url=mine[1].url, next_due=START), pause)
    for moment, due in ((START + HOUR, False), (START + 2 * HOUR, True)):
        assert schedule.is_due(mine[1], held, moment) is due
        assert schedule.is_due(mine[1], held, moment, everything=True) is due


def test_a_pause_without_retry_after_is_our_own() -> None:
    """Then the site rests for an hour, which `run --all` passes over."""
    pause = schedule.site_pause(HttpError("no", status=429), START)
    assert pause == schedule.Pause(START + HOUR, told=False)
    held = schedule.paused(SourceState(url="https://a.example/", next_due=START), pause)
    one = feed("https://a.example/")
    assert not schedule.is_due(one, held, START)
    assert schedule.is_due(one, held, START, everything=True)


def test_a_pause_shortens_no_wait() -> None:
    """What another source of the site was already to wait, it waits."""
    pause = schedule.Pause(START + HOUR, told=True)
    held = SourceState(next_due=START + DAY, retry_after=START + 2 * DAY)
    assert schedule.paused(held, pause) == held


@pytest.mark.parametrize(
    "error",
    [
        HttpError("no", status=500, retry_after=60.0),
        HttpError("no", status=404),
        FetchError("no"),
        ParseError("no"),
    ],
)
def test_other_failures_pause_no_site(error: FetchError | ParseError) -> None:
    """A 500 or a broken document concerns its source alone."""
    assert schedule.site_pause(error, START) is None


def test_dropping_passes_over_strangers() -> None:
    """Sources that are not in the queue, or already on their way, are not dropped."""
    queue = HostQueue([source(0, "a.example"), source(1, "a.example")])
    assert queue.take(0.0) is not None
    assert queue.drop([source(0, "a.example"), source(7, "b.example")]) == []
    assert len(queue) == 1


def test_sources_that_are_dropped_wake_nobody_up_for_nothing() -> None:
    """When the last source that waited is dropped, threads that waited for it are done."""
    mine = [source(0, "a.example"), source(1, "a.example", delay=3600.0)]
    turns = Turns(HostQueue(mine))
    assert turns.take() == mine[0]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(turns.take)
        assert turns.drop(mine[1:]) == mine[1:]
        assert waiting.result(timeout=5) is None


def test_an_address_that_is_none_has_no_host() -> None:
    """It will fail by itself when it is fetched."""
    assert host_of("http://[::1/") == ""
    assert host_of("nonsense") == ""
