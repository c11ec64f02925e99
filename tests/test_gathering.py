"""`gathering`: what is told of a feed, and when."""

import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from loopback import Reply, Server

from aggregator.collect.allowance import LARGE_BYTES
from aggregator.collect.http import HttpFetcher
from aggregator.errors import SourceError
from aggregator.gathering import Harvest, Tools, gather
from aggregator.model import SourceState
from aggregator.options import FetchPolicy, Source
from aggregator.parse.limits import MAX_BYTES
from aggregator.pipeline import now
from aggregator.workers import Workers


@pytest.fixture
def tools() -> Iterator[Tools]:
    """One worker process."""
    with HttpFetcher() as fetcher, Workers(1) as workers:
        yield Tools(fetcher, workers, now)


def feed(size: int) -> bytes:
    """A feed with one entry of so many bytes."""
    return b"<rss><channel><item><title>One</title><description>%b</description></item></channel></rss>" % (
        b"word " * (size // 5)
    )


class Told:
    """What is told of one feed, and whether it is by now."""

    def __init__(self, tools: Tools, server: Server) -> None:
        source = Source(
            name="A",
            kind="feed",
            url=server.url("/feed"),
            categories=("a",),
            fetch=FetchPolicy(allow_private_networks=True),
        )
        self.released: list[SourceError | None] = []
        self._harvest: Future[Harvest] = Future()
        gather(
            source,
            SourceState(),
            lambda _, error: self.released.append(error),
            tools,
            lambda _: b"",
            self._harvest.set_result,
        )

    @property
    def yet(self) -> bool:
        return self._harvest.done()

    @property
    def harvest(self) -> Harvest:
        return self._harvest.result(timeout=20)


def busy(tools: Tools) -> Future[None]:
    """Keep the worker from anything else for a while."""
    return tools.workers.submit(time.sleep, 0.5)


def test_a_document_is_not_waited_for(tools: Tools) -> None:
    """Who fetches goes on while a document waits for a worker; what comes of it is told later."""
    with Server({"/feed": Reply(feed(2 * MAX_BYTES))}) as server:
        before = busy(tools)
        told = Told(tools, server)
        assert (told.yet, told.released) == (False, [None])
        assert told.harvest.digested is not None
        assert before.done()


def test_a_large_document_is_waited_for(tools: Tools) -> None:
    """Nothing else is fetched by the same thread while a large document is in memory."""
    with Server({"/feed": Reply(feed(LARGE_BYTES))}) as server:
        busy(tools)
        assert Told(tools, server).yet


def test_a_small_document_is_digested_at_once(tools: Tools) -> None:
    """A small harmless document needs no worker."""
    with Server({"/feed": Reply(feed(100))}) as server:
        busy(tools)
        told = Told(tools, server)
        assert told.yet
        assert told.harvest.digested is not None


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(b"", status=500), "500"),
        (Reply(b"{ no feed"), "JSON"),
        (Reply(b"<html>%b</html>" % (b"<p>words</p>" * MAX_BYTES)), "web page"),
    ],
    ids=["fetch", "here", "worker"],
)
def test_a_failure_is_told(tools: Tools, reply: Reply, says: str) -> None:
    """Wherever something goes wrong, it is told with the state that follows."""
    with Server({"/feed": reply}) as server:
        harvest = Told(tools, server).harvest
    assert harvest.digested is None
    assert harvest.state.failures == 1
    assert says in str(harvest.error)


def test_what_is_given_up_is_not_told(tools: Tools, caplog: pytest.LogCaptureFixture) -> None:
    """When the work is given up, documents that still wait are no failures of their sources."""
    with Server({"/feed": Reply(feed(2 * MAX_BYTES))}) as server:
        busy(tools)
        told = Told(tools, server)
        tools.workers.close(cancel=True)
    assert not told.yet
    assert caplog.text == ""


def test_a_fault_of_ours_is_told(tools: Tools, caplog: pytest.LogCaptureFixture) -> None:
    """An exception that nobody expects costs the source alone, and is logged with its trace."""
    with Server({"/feed": Reply(feed(2 * MAX_BYTES))}) as server:
        tools.workers.close()  # so that nothing can be handed over
        harvest = Told(tools, server).harvest
    assert "please report it" in str(harvest.error)
    assert "Traceback" in caplog.text
