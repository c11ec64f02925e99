"""No source and no redirect leads to a server that is not on the public internet."""

import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from guests import feed
from hypothesis import given
from hypothesis import strategies as st
from loopback import Reply, Request, Server, redirect

from aggregator.collect.guard import SocketAddress, objection, resolve
from aggregator.collect.http import HttpFetcher
from aggregator.errors import FetchError, ForbiddenAddress
from aggregator.model import SourceState

LIST = Path(__file__).parent.parent / "data" / "collect" / "ssrf.txt"
PUBLIC = "127.0.0.2"  # stands in for the public internet; the judge lets it pass
WAYS = [line for line in LIST.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
NAMES = {
    "public": [PUBLIC],
    "loopback": ["127.0.0.1"],
    "loopback6": ["::1"],
    "mapped": ["::ffff:127.0.0.1"],
    "zero": ["0.0.0.0"],
    "unspecified": ["::"],
    "private10": ["10.0.0.1"],
    "private172": ["172.31.255.255"],
    "private192": ["192.168.0.1"],
    "metadata": ["169.254.169.254"],
    "carrier": ["100.100.100.200"],
    "wireserver": ["168.63.129.16"],
    "multicast": ["224.0.0.1"],
    "broadcast": ["255.255.255.255"],
    "nat64": ["64:ff9b::a00:1"],
    "sixtofour": ["2002:a00:1::"],
    "compatible": ["::127.0.0.1"],
    "unique-local": ["fd12:3456::1"],
    "link-local": ["fe80::1"],
    "both": ["127.0.0.1", "::1", "10.0.0.1"],
}
# What a rebinding name answers to the first, the second, ... question.
REBINDING = {"rebind": [PUBLIC, "127.0.0.1"], "rebind-late": [PUBLIC, PUBLIC, PUBLIC, "127.0.0.1"]}


class Names:
    """A resolver whose names under .test are scripted; all else is the system's."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, host: str, port: int) -> list[SocketAddress]:
        name = host.rstrip(".").lower()
        self.asked[name] += 1
        if not name.endswith(".test"):
            return resolve(host, port)
        label = name.removesuffix(".test")
        turns = REBINDING.get(label)
        answers = [turns[min(self.asked[name], len(turns)) - 1]] if turns else NAMES.get(label, [])
        if not answers:
            raise OSError("no such name")
        return [
            (socket.AF_INET6, (answer, port, 0, 0)) if ":" in answer else (socket.AF_INET, (answer, port))
            for answer in answers
        ]


def judge(address: str) -> str | None:
    return None if address == PUBLIC else objection(address)


@pytest.fixture(scope="module")
def forbidden() -> Iterator[Server]:
    """A server on every address of this machine."""
    host = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    with Server({"*": Reply(b"secret", close=True)}, host=host) as server:
        yield server


@pytest.fixture
def strict() -> Iterator[HttpFetcher]:
    with HttpFetcher(resolver=Names(), judge=judge, environment={}) as fetcher:
        yield fetcher


def outcome(
    fetcher: HttpFetcher, url: str, *, private: bool = False, timeout: float = 2.0
) -> FetchError | None:
    source = feed(url, allow_private_networks=private, timeout=timeout)
    try:
        fetcher.fetch(source, SourceState())
    except FetchError as error:
        return error
    return None


def arrivals(server: Server) -> int:
    """How many connections came by an address other than the stand-in for the public internet."""
    return sum(address != PUBLIC for address in server.reached)


def test_the_list_is_long_enough() -> None:
    """At least a hundred ways, none of them twice."""
    assert len(WAYS) == len(set(WAYS)) >= 100


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_a_forbidden_server(strict: HttpFetcher, forbidden: Server, way: str) -> None:
    """As an address, as a redirect and behind two redirects: not one connection arrives."""
    target = way.replace("{port}", str(forbidden.port))
    before = arrivals(forbidden)
    routes = {"/direct": redirect(target), "/chain": redirect("/next", 301), "/next": redirect(target, 307)}
    with Server(routes, host=PUBLIC) as public:
        for url in (target, public.url("/direct"), public.url("/chain"), target):
            outcome(strict, url)
        assert len(public.requests) >= 3
    assert arrivals(forbidden) == before


def test_the_list_is_alive(forbidden: Server) -> None:
    """Without the guard more than sixty of these ways arrive, so that the guard is what stops them."""
    reached = 0
    with HttpFetcher(resolver=Names(), environment={}) as fetcher:
        for way in WAYS:
            before = arrivals(forbidden)
            outcome(fetcher, way.replace("{port}", str(forbidden.port)), private=True, timeout=0.05)
            reached += arrivals(forbidden) > before
    assert reached > 60


def test_a_connection_that_one_source_may_use_is_closed_to_others(fetcher: HttpFetcher) -> None:
    """A source that may reach private networks keeps a connection open; another one cannot borrow it."""
    with Server({"*": Reply(b"x")}) as server:
        assert outcome(fetcher, server.url("/"), private=True) is None
        assert isinstance(outcome(fetcher, server.url("/")), ForbiddenAddress)
        assert len(server.requests) == 1


def test_the_message_names_the_address_and_the_way_out(fetcher: HttpFetcher) -> None:
    """Host, address, why not, and which setting lifts it."""
    error = outcome(fetcher, "http://localhost:1200/feed")
    assert str(error) == (
        "http://localhost:1200/feed: localhost (127.0.0.1) is this machine; "
        "set allow_private_networks = true for this source if that is meant"
    )


def test_a_proxy_is_not_asked_for_what_is_spelled_as_private(fetcher: HttpFetcher) -> None:
    """Through a proxy the spelling is judged, of redirects too; names are the proxy's to resolve."""
    requested: list[Request] = []

    def proxy(request: Request) -> Reply:
        requested.append(request)
        return redirect("http://0x7f.1:8/") if "redirects" in request.target else Reply(b"x")

    with Server({"*": proxy}) as server:
        for url in ("http://127.1:8/", "http://localhost.:8/", "http://[::1]:8/", "http://redirects.test/"):
            source = feed(url, allow_private_networks=False, proxy=server.url())
            with pytest.raises(ForbiddenAddress):
                fetcher.fetch(source, SourceState())
        assert [request.target for request in requested] == ["http://redirects.test/"]


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_nothing_that_python_calls_private_passes(address: object) -> None:
    """What `ipaddress` holds for not global never passes; the guard objects to more than that."""
    forms = {"is_global": False, "is_multicast": True, "is_loopback": True, "is_link_local": True}
    if any(getattr(address, name) is value for name, value in forms.items()):
        assert objection(str(address)) is not None


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_like_itself(address: object) -> None:
    """IPv4-mapped and NAT64 forms pass exactly when the IPv4 address in them does; 6to4 never does."""
    number = int(address)  # type: ignore[call-overload]  # an IPv4Address
    plain = objection(str(address)) is None
    for prefix in ("::ffff:", "64:ff9b::"):
        assert (objection(f"{prefix}{number >> 16:x}:{number & 0xFFFF:x}") is None) == plain
    assert objection(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1") is not None
    assert objection(f"::{number >> 16:x}:{number & 0xFFFF:x}") is not None


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1"]
)
def test_public_addresses_pass(address: str) -> None:
    """Ordinary servers are not in the way of the rule."""
    assert objection(address) is None
