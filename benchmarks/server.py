"""The feed server of the benchmarks: answers from memory, on loopback, in a process of its own.

python benchmarks/server.py FEEDS     prints its port, then serves until its standard input ends

/<mode>/<version>/<feed>.xml    mode: etag (a 304 for the right validator) or plain (no validators)
"""

import asyncio
import gzip
import hashlib
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from feeds import document

VERSIONS = (0, 1)


def _answer(version: int, feed: int) -> tuple[str, bytes, str, bytes]:
    data = gzip.compress(document(feed, version), 6, mtime=0)
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(data)}\r\n"
    )
    key = f"{version}/{feed}.xml"
    unchanged = f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode()
    full = f"{head}ETag: {etag}\r\n\r\n".encode() + data
    return key, full, etag, unchanged + f"{head}\r\n".encode() + data


class Answers:
    """Everything that the server can say, ready for the wire."""

    def __init__(self, feeds: int) -> None:
        self.full: dict[str, bytes] = {}
        self.unchanged: dict[str, tuple[str, bytes]] = {}
        self.plain: dict[str, bytes] = {}
        with ProcessPoolExecutor() as pool:
            for version in VERSIONS:
                for key, full, etag, rest in pool.map(partial(_answer, version), range(feeds), chunksize=20):
                    end = rest.index(b"\r\n\r\n") + 4
                    self.full[key] = full
                    self.unchanged[key] = (etag, rest[:end])
                    self.plain[key] = rest[end:]

    def answer(self, request: bytes) -> bytes:
        """The answer to one request's head."""
        target = request.split(b" ", 2)[1].decode()
        _, mode, key = target.split("/", 2)
        if mode == "plain":
            return self.plain[key]
        etag, unchanged = self.unchanged[key]
        return unchanged if etag.encode() in request else self.full[key]


class Protocol(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
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
            self.transport.write(self.answers.answer(request))


async def main(feeds: int) -> None:
    """Serve until standard input ends."""
    answers = Answers(feeds)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(answers), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
