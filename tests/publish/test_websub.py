from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from publishing import SITE

from aggregator.publish.websub import ATTEMPTS, TOPICS, Ping, after, merge, requests, topics

HUB = "https://hub.example/"
NOW = datetime(2022, 9, 13, tzinfo=UTC)


def pings(count: int) -> tuple[Ping, ...]:
    return merge((), [f"https://news.example.org/feeds/{n:04d}/atom.xml" for n in range(count)], NOW)


def test_only_live_feeds_are_topics() -> None:
    """Of what a run changed the hub hears of feeds, by the address that subscribers have."""
    changed = [
        "feeds/新/atom.xml",
        "feeds/新/feed.json",
        "index.html",
        "posts/a.md",
        "feeds/新/archive/2022-09.atom",
    ]
    assert topics(changed, SITE) == (
        "https://news.example.org/feeds/%E6%96%B0/atom.xml",
        "https://news.example.org/feeds/%E6%96%B0/feed.json",
    )


def test_many_topics_take_few_requests() -> None:
    """One request carries a hundred topics, in the form that hubs know."""
    planned = requests(HUB, pings(TOPICS + 1), NOW)
    assert [len(request.pings) for request in planned] == [TOPICS, 1]
    fields = parse_qsl(planned[0].body.decode())
    assert fields[:2] == [
        ("hub.mode", "publish"),
        ("hub.url", "https://news.example.org/feeds/0000/atom.xml"),
    ]
    assert [name for name, _ in fields[1:]] == ["hub.url"] * TOPICS


def test_what_the_hub_took_is_done() -> None:
    """After a 204 nothing remains."""
    pending = pings(3)
    assert after(pending, dict.fromkeys(requests(HUB, pending, NOW), 204), NOW) == ()


def test_a_hub_that_takes_one_topic_gets_one() -> None:
    """Topics refused together are sent one by one at once."""
    pending = after(pings(3), dict.fromkeys(requests(HUB, pings(3), NOW), 400), NOW)
    assert [len(request.pings) for request in requests(HUB, pending, NOW)] == [1, 1, 1]


def test_a_failure_is_tried_again_ever_later_and_given_up() -> None:
    """Without an answer the pauses grow, and the list of what is pending does not grow for ever."""
    pending, now, pauses = pings(1), NOW, []
    while pending:
        (request,) = requests(HUB, pending, now)
        pending = after(pending, {request: None}, now)
        if pending:
            assert requests(HUB, pending, now) == ()
            pauses.append(pending[0].due - now)
            now = pending[0].due
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(minutes=1)
    assert len(pauses) == ATTEMPTS - 1


def test_a_change_during_the_request_is_told_again() -> None:
    """A feed that changed while the hub was told stays pending."""
    before = pings(1)
    (request,) = requests(HUB, before, NOW)
    later = NOW + timedelta(seconds=5)
    changed = merge(before, [before[0].topic], later)
    assert after(changed, {request: 204}, later) == changed
