"""Answers that are meant to cost a client its memory or its time."""

import gzip
import itertools
import zlib
from collections.abc import Iterator

import brotli
import zstandard
from loopback import Raw, Reply, Route, redirect

MIB = 1024 * 1024
_ZEROS = bytes(MIB)


def gzip_bomb(unpacked: int) -> bytes:
    """One gzip member that unpacks to so many zeros (a multiple of 1 MiB), a thousandth of its size."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = deflate.compress(_ZEROS) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(_ZEROS) + deflate.flush(zlib.Z_FULL_FLUSH)
    return head + block * (unpacked // MIB - 1)


def nested_gzip(layers: int) -> bytes:
    """32 MiB of zeros under several layers of gzip: some hundred bytes."""
    body = gzip.compress(bytes(32 * MIB), 9)
    for _ in range(layers - 1):
        body = gzip.compress(body, 9)
    return body


def brotli_bomb() -> bytes:
    """128 MiB of zeros in a kilobyte."""
    packer = brotli.Compressor(quality=5)
    parts: list[bytes] = [packer.process(_ZEROS) for _ in range(128)]
    return b"".join([*parts, packer.finish()])


def zstd_bomb() -> bytes:
    """128 MiB of zeros, in blocks of a few bytes."""
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    return b"".join(packer.compress(_ZEROS) for _ in range(128)) + packer.flush()


def zstd_window_bomb() -> bytes:
    """A frame that asks the client for a window of 1 GiB."""
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=30, enable_ldm=False)
    return zstandard.ZstdCompressor(compression_params=parameters).compressobj().compress(_ZEROS * 2) + b"x"


def packed(body: bytes, coding: str) -> Reply:
    return Reply(body, headers={"Content-Encoding": coding})


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def endlessly(part: bytes, *, after: bytes = b"", pause: float = 0.0) -> Raw:
    """`after`, then `part` for ever, with a pause before each."""

    def parts() -> Iterator[bytes | float]:
        yield after
        for _ in itertools.count():
            if pause:
                yield pause
            yield part

    return Raw(parts)


def quick_bombs() -> dict[str, Route]:
    """Those that a client has to refuse by size, whatever time it has."""
    return {
        "/gzip": packed(gzip_bomb(10 * 1024 * MIB), "gzip"),
        "/gzip3": packed(nested_gzip(3), "gzip, gzip, gzip"),
        "/gzip4": packed(nested_gzip(4), "gzip, gzip, gzip, gzip"),
        "/members": packed(gzip.compress(gzip.compress(b"") * MIB, 1), "gzip, gzip"),
        "/br": packed(brotli_bomb(), "br"),
        "/zstd": packed(zstd_bomb(), "zstd"),
        "/window": packed(zstd_window_bomb(), "zstd"),
        "/long": Reply(b"x", headers={"Content-Length": str(10**12)}),
        "/body": endlessly(_ZEROS, after=HEAD + b"\r\n"),
        "/chunks": endlessly(b"100000\r\n" + _ZEROS + b"\r\n", after=CHUNKED),
        "/tiny-chunks": endlessly(b"1;" + b"e" * 900 + b"\r\nx\r\n", after=CHUNKED),
        "/chunk-line": endlessly(b"0" * MIB, after=CHUNKED),
        "/trailers": endlessly(b"x: " + b"y" * 60000 + b"\r\n", after=CHUNKED + b"0\r\n"),
        "/status-line": endlessly(_ZEROS),
        "/header-line": endlessly(b"y" * MIB, after=HEAD + b"x: "),
        "/headers": endlessly(b"x: " + b"y" * 60000 + b"\r\n", after=HEAD),
        "/short-headers": endlessly(b"x: y\r\n", after=HEAD),
        "/continue": endlessly(b"HTTP/1.1 100 Continue\r\n\r\n"),
        "/redirect-body": Reply(b"x" * 5 * MIB, 302, headers={"Location": "/redirect-body"}),
        "/error-body": Reply(b"x" * 5 * MIB, 500),
        **{f"/hop{number}": redirect(f"/hop{number + 1}") for number in range(50)},
    }


def slow_bombs() -> dict[str, Route]:
    """Those that are small and never end."""
    return {
        "/silence": endlessly(b"", pause=0.3),
        "/status-drip": endlessly(b"H", pause=0.05),
        "/header-drip": endlessly(b"y", after=HEAD + b"x: ", pause=0.05),
        "/headers-drip": endlessly(b"x: y\r\n", after=HEAD, pause=0.05),
        "/body-drip": endlessly(b"x", after=HEAD + b"Content-Length: 1000\r\n\r\n", pause=0.05),
        "/chunk-drip": endlessly(b"1\r\nx\r\n", after=CHUNKED, pause=0.05),
        "/gzip-drip": endlessly(
            b"\0", after=HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0", pause=0.05
        ),
        "/continue-drip": endlessly(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.05),
    }
