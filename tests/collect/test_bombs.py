"""Answers that never end or never stop growing: each costs bounded time and memory, and one clear line."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from bombs import quick_bombs, slow_bombs
from guests import feed
from loopback import Raw, Route, Server, server_tls

from aggregator.collect.http import HttpFetcher
from aggregator.errors import LimitExceeded
from aggregator.model import SourceState

SECONDS = 1.0
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from /proc")
PEAK_MIB = 150

# Fetches all addresses at once in a process of its own, so that its peak is theirs alone.
VICTIM = """
import json, re, sys, time
from concurrent.futures import ThreadPoolExecutor
from aggregator.collect.http import HttpFetcher
from aggregator.errors import FetchError
from aggregator.model import SourceState
from aggregator.options import FetchPolicy, Source

def attempt(url):
    policy = FetchPolicy(allow_private_networks=True, timeout=float(sys.argv[1]))
    source = Source(name=url, kind="feed", categories=("T",), url=url, fetch=policy)
    begun = time.monotonic()
    try:
        fetched = fetcher.fetch(source, SourceState())
        kind, text = "fetched", str(len(fetched.body or b""))
    except FetchError as error:
        kind, text = type(error).__name__, str(error)
    return [kind, text, time.monotonic() - begun]

with HttpFetcher(environment={}) as fetcher, ThreadPoolExecutor(int(sys.argv[2])) as pool:
    results = list(pool.map(attempt, json.load(sys.stdin)))
# Not getrusage: its figure begins with the peak of the process that started this one.
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"results": results, "peak": peak}))
"""


def attempt(urls: list[str], *, seconds: float, at_once: int) -> Any:
    """Kind of error, its text and the seconds for each address; and the peak of memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(seconds), str(at_once)],
        input=json.dumps(urls),
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@needs_proc
def test_bombs_end_in_an_error_with_memory_bounded() -> None:
    """10 MB of gzip that unpack to 10 GB, other codings, endless bodies, headers, chunks, redirects."""
    routes = quick_bombs()
    paths = [path for path in routes if not path.startswith("/hop")] + ["/hop0"]
    with Server(routes) as server:
        found = attempt([server.url(path) for path in paths], seconds=30.0, at_once=2)
    for path, (kind, text, seconds) in zip(paths, found["results"], strict=True):
        assert kind in {"LimitExceeded", "FetchError", "HttpError"}, (path, text)
        assert path in text
        assert "\n" not in text
        assert seconds < 10, path
    assert found["peak"] < PEAK_MIB


@needs_proc
def test_drips_end_at_the_deadline() -> None:
    """A byte now and then, in status line, headers, body or chunks: all over when `timeout` is."""
    routes = slow_bombs()
    with Server(routes) as server:
        found = attempt([server.url(path) for path in routes], seconds=SECONDS, at_once=len(routes))
    for path, (kind, text, seconds) in zip(routes, found["results"], strict=True):
        assert kind == "LimitExceeded", (path, text)
        assert "within 1 s" in text
        assert SECONDS <= seconds < SECONDS + 1, path
    assert found["peak"] < PEAK_MIB


def test_a_tls_handshake_that_never_comes_ends_at_the_deadline(fetcher: HttpFetcher) -> None:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        source = feed(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.3)
        with pytest.raises(LimitExceeded, match=r"within 0\.3 s"):
            fetcher.fetch(source, SourceState())


def test_drips_under_tls_end_at_the_deadline() -> None:
    """The deadline holds inside an encrypted connection too."""
    authority = trustme.CA()
    with (
        Server({"/": slow_bombs()["/body-drip"]}, tls=server_tls(authority)) as server,
        HttpFetcher(environment={}) as fetcher,
        pytest.raises(LimitExceeded, match=r"within 0\.3 s"),
    ):
        fetcher.fetch(feed(server.url(), timeout=0.3, verify=False), SourceState())


def test_the_deadline_spans_redirects(fetcher: HttpFetcher) -> None:
    """Redirects that each take a while share one deadline."""
    hop = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /%d\r\n\r\n"
    routes: dict[str, Route] = {f"/{number}": Raw([0.15, hop % (number + 1)]) for number in range(9)}
    with Server(routes) as server, pytest.raises(LimitExceeded, match=r"within 0\.5 s"):
        fetcher.fetch(feed(server.url("/0"), timeout=0.5), SourceState())
