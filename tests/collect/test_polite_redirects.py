"""Where a source moves: the rules of docs/politeness.md, "Redirects"."""

from datetime import timedelta

import pytest
from guests import DAY, HOUR, Guest, feed
from loopback import Reply, Server, redirect

from aggregator.collect.http import MOST_REDIRECTS, HttpFetcher
from aggregator.collect.schedule import has_moved
from aggregator.errors import FetchError, Gone, LimitExceeded

FEED = Reply(b"<rss version='2.0'/>", etag='"1"')
PERMANENT = (301, 308)
TEMPORARY = (302, 303, 307)


def moved(fetcher: HttpFetcher, server: Server, path: str = "/old") -> Guest:
    """A guest that was led by redirects of `path` until it believes them."""
    guest = Guest(feed(server.url(path)), fetcher)
    for _ in range(4):
        guest.visit(after=DAY)
    assert has_moved(guest.state)
    return guest


@pytest.mark.parametrize("status", PERMANENT)
def test_permanent_redirects_move_after_three_fetches_over_three_days(
    fetcher: HttpFetcher, status: int
) -> None:
    """From then on the new address is asked, the state names it, and the old one rests."""
    with Server({"/old": redirect("/new", status), "/new": FEED}) as server:
        guest = moved(fetcher, server)
        guest.visit(after=DAY)
        assert guest.state.moved_to == server.url("/new")
        assert [request.path for request in server.requests] == ["/old", "/new"] * 4 + ["/new"]


def test_many_redirects_within_three_days_do_not_move(fetcher: HttpFetcher) -> None:
    """Forty fetches in forty hours lead to the new address, and are not enough to store it."""
    with Server({"/old": redirect("/new", 301), "/new": FEED}) as server:
        guest = Guest(feed(server.url("/old"), max_interval=3600.0), fetcher)
        for _ in range(40):
            guest.visit(after=HOUR * 1.1)
        assert not has_moved(guest.state)
        assert len(server.asked("/old")) == 40


def test_two_fetches_over_three_days_do_not_move(fetcher: HttpFetcher) -> None:
    """Two are not three, however far apart."""
    with Server({"/old": redirect("/new", 301), "/new": FEED}) as server:
        guest = Guest(feed(server.url("/old")), fetcher)
        guest.visit()
        guest.visit(after=9 * DAY)
        assert not has_moved(guest.state)


@pytest.mark.parametrize("status", TEMPORARY)
def test_temporary_redirects_are_followed_and_never_stored(fetcher: HttpFetcher, status: int) -> None:
    """However often they lead to the feed, the settings' address is asked first."""
    with Server({"/old": redirect("/new", status), "/new": FEED}) as server:
        guest = Guest(feed(server.url("/old")), fetcher)
        for _ in range(6):
            assert guest.visit(after=DAY) is not None
        assert guest.state.moved_to is None
        assert len(server.asked("/old")) == 6


def test_a_chain_moves_as_far_as_it_is_permanent(fetcher: HttpFetcher) -> None:
    """301, 308, then 302: the source moves to where the 308 led."""
    routes = {
        "/old": redirect("/second", 301),
        "/second": redirect("/third", 308),
        "/third": redirect("/tonight", 302),
        "/tonight": FEED,
    }
    with Server(routes) as server:
        assert moved(fetcher, server).state.moved_to == server.url("/third")


def test_a_redirect_that_ends_starts_the_count_anew(fetcher: HttpFetcher) -> None:
    """One direct answer between the redirects, and they have to last again."""
    answers = [redirect("/new", 301), redirect("/new", 301), FEED, redirect("/new", 301)]
    with Server({"/old": answers, "/new": FEED}) as server:
        guest = Guest(feed(server.url("/old")), fetcher)
        for _ in range(5):
            guest.visit(after=2 * DAY)
        assert not has_moved(guest.state)
        assert guest.state.moved_count == 2


def test_a_redirect_to_html_never_moves(fetcher: HttpFetcher) -> None:
    """A captive portal or login page is a failure: nothing is stored of where it was."""
    with Server(
        {"/old": redirect("/login", 301), "/login": Reply(b"<html>log in", type="text/html")}
    ) as server:
        guest = Guest(feed(server.url("/old")), fetcher)
        for _ in range(6):
            guest.visit(after=10 * DAY, parses=False)
        assert guest.state.moved_to is None
        assert not has_moved(guest.state)


def test_a_move_is_forgotten_when_the_new_address_fails(fetcher: HttpFetcher) -> None:
    """After three failures there, the settings' address is asked again."""
    with Server({"/old": redirect("/new", 301), "/new": FEED}) as server:
        guest = moved(fetcher, server)
        server.routes = {"/new": Reply(b"", 404), "/old": FEED}
        before = len(server.requests)
        for _ in range(4):
            guest.visit(after=8 * DAY)
        assert [request.path for request in server.requests[before:]] == ["/new", "/new", "/new", "/old"]
        assert guest.error is None


def test_a_410_at_a_new_address_sends_back_to_the_old_one(fetcher: HttpFetcher) -> None:
    """Gone is final only for the address in the settings."""
    with Server({"/old": redirect("/new", 301), "/new": FEED}) as server:
        guest = moved(fetcher, server)
        server.routes = {"/new": Reply(b"", 410), "/old": FEED}
        guest.visit(after=DAY)
        assert not guest.state.gone
        guest.visit(after=DAY)
        assert guest.error is None


def test_a_410_stops_the_source(fetcher: HttpFetcher) -> None:
    """It says so, and no request follows, `--all` included, until the settings name another address."""
    with Server({"/": Reply(b"", 410), "/new": FEED}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        assert isinstance(guest.error, Gone)
        assert "gone for good" in str(guest.error)
        guest.now += 400 * DAY
        assert not guest.due()
        assert not guest.due(everything=True)
        guest.change(url=server.url("/new"))
        assert guest.visit() is not None
        assert not guest.state.gone


def test_the_move_is_forgotten_when_the_settings_change(fetcher: HttpFetcher) -> None:
    """Once the operator has corrected feeds.toml, that address is asked and nothing is proposed."""
    with Server({"/old": redirect("/new", 301), "/new": FEED}) as server:
        guest = moved(fetcher, server)
        guest.change(url=server.url("/new"))
        guest.visit()
        assert guest.state.moved_to is None


def test_fifty_redirects_end_in_an_error(fetcher: HttpFetcher) -> None:
    """More than ten in a row are refused, in no time."""
    routes = {f"/{number}": redirect(f"/{number + 1}") for number in range(50)}
    with Server(routes | {"/50": FEED}) as server:
        guest = Guest(feed(server.url("/0")), fetcher)
        guest.visit()
        assert isinstance(guest.error, LimitExceeded)
        assert "redirects" in str(guest.error)
        assert len(server.requests) == MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://x/", "javascript:1", "data:,x"]
)
def test_redirects_out_of_http_are_refused(fetcher: HttpFetcher, target: str) -> None:
    """Only http and https addresses are followed."""
    with Server({"/": redirect(target)}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        assert isinstance(guest.error, FetchError)
        assert "only http and https" in str(guest.error)


@pytest.mark.parametrize(
    "target",
    ["/feed?a=b c", "feed", "./x/../feed", "//HOST/feed", "  /feed  ", "/fe%65d", "/feed#top", "?q=é"],
)
def test_odd_redirect_targets_are_understood(fetcher: HttpFetcher, target: str) -> None:
    """Relative, without a scheme, with blanks, with raw UTF-8: they lead where a browser would go."""
    with Server({"/old": [redirect("")], "*": FEED}) as server:
        server.routes["/old"] = [redirect(target.replace("HOST", f"127.0.0.1:{server.port}")), FEED]
        assert Guest(feed(server.url("/old")), fetcher).visit() is not None


def test_a_redirect_without_location_is_a_failure(fetcher: HttpFetcher) -> None:
    """A 302 that leads nowhere is reported like any failing status."""
    with Server({"/": Reply(b"", 302)}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        assert "302" in str(guest.error)


def test_waiting_counts_for_the_new_address_too(fetcher: HttpFetcher) -> None:
    """Retry-After of the target holds the source, and its max-age counts."""
    limited = Reply(b"", 429, headers={"Retry-After": "7200"})
    with Server({"/old": redirect("/new"), "/new": limited}) as server:
        guest = Guest(feed(server.url("/old")), fetcher)
        guest.visit()
        assert guest.state.retry_after == guest.now + timedelta(seconds=7200)
