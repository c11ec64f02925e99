"""The feed server of the benchmarks: answers from memory, on loopback, in a process of its own.

    python benchmarks/server.py FEEDS VERSIONS

It prints its port. Each line that it reads is echoed and holds from then on: the version of all documents,
and whether validators are known (1) or it always sends the whole document without one (0). It serves until
its standard input ends.
"""

import asyncio
import gzip
import hashlib
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from feeds import document


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one document, ready for the wire: a 304; two heads of a 200, and the body to both."""

    etag: bytes
    unchanged: bytes
    known: bytes
    unknown: bytes
    body: bytes


def answer(version: int, feed: int) -> Answer:
    """The answers for one version of one feed."""
    data = gzip.compress(document(feed, version), 6, mtime=0)
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'.encode()
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n" % len(data)
    )
    return Answer(
        etag,
        b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n",
        head + b"ETag: " + etag + b"\r\n\r\n",
        head + b"\r\n",
        data,
    )


class Site:
    """Every answer, and which version holds now."""

    def __init__(self, feeds: int, versions: int) -> None:
        self.version = 0
        self.validators = True
        with ProcessPoolExecutor() as pool:
            self._answers = [
                list(pool.map(partial(answer, version), range(feeds), chunksize=20))
                for version in range(versions)
            ]

    def answer(self, request: bytes) -> bytes:
        """The answer to one request's head."""
        name = request.split(b" ", 2)[1].rpartition(b"/")[2]
        found = self._answers[self.version][int(name.partition(b".")[0])]
        if self.validators and found.etag in request:
            return found.unchanged
        return (found.known if self.validators else found.unknown) + found.body


class Protocol(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            request, self.buffer = self.buffer[:end], self.buffer[end + 4 :]
            self.transport.write(self.site.answer(request))


async def main(feeds: int, versions: int) -> None:
    """Serve until standard input ends."""
    site = Site(feeds, versions)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(site), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        version, validators = line.split()
        site.version, site.validators = int(version), validators == "1"
        print(flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
