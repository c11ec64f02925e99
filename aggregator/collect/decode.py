"""Content codings, undone piece by piece: no step holds more than a piece in memory.

Every stage is bounded by itself, so that a bomb inside a bomb ends as soon as any layer of it is larger
than a body may be.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

import brotli
import zstandard

from aggregator.collect.allowance import LARGE_BYTES
from aggregator.errors import FetchError, LimitExceeded

PIECE = 65536
ACCEPTED = "gzip, br, zstd"
_MOST_CODINGS = 3
_GZIP, _ZLIB, _BARE = 31, 15, -15  # what zlib calls the forms of a deflate stream
_MAGIC = b"\x1f\x8b"
_ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a browser must accept, and no more
_ZSTD_BITE = 512  # a block of 4 bytes may stand for 128 KiB

_Coding = Callable[[Iterator[bytes]], Iterator[bytes]]


def body(
    pieces: Iterable[bytes], coding: str, most: int, grown_large: Callable[[], None] = lambda: None
) -> bytes:
    """Undo the codings that a Content-Encoding value names, the last one first.

    `grown_large` is called before more than `LARGE_BYTES` are kept, again and again.

    Raises LimitExceeded when any layer holds more than `most` bytes, FetchError when it is corrupt.
    Names that are no coding are passed over: servers write character sets there.
    """
    names = [name.strip().lower() for name in coding.split(",") if name.strip()]
    layers = [_CODINGS[name] for name in names if name in _CODINGS]
    if len(layers) > _MOST_CODINGS:
        raise FetchError(f"the body is compressed {len(layers)} times over, which no feed needs")
    stream = _capped(pieces, most)
    for layer in reversed(layers):
        stream = _capped(layer(stream), most)
    whole = BytesIO()
    try:
        for piece in stream:
            if whole.tell() + len(piece) > LARGE_BYTES:
                grown_large()
            whole.write(piece)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise FetchError(f"the compressed body ({coding}) is corrupt: {error}") from error
    return whole.getvalue()


def _capped(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > most:
            raise LimitExceeded(
                f"the body is larger than max_bytes, {most:,} bytes; raise it if that is meant"
            )
        if piece:
            yield piece


def _first(pieces: Iterator[bytes]) -> bytes:
    """The first two bytes at least, to tell what a stream is by."""
    first = next(pieces, b"")
    return first + next(pieces, b"") if len(first) == 1 else first


def _gzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """RFC 1952, several members included. What is not gzip at all is passed on as it is."""
    first = _first(pieces)
    if not _MAGIC.startswith(first[:2]):
        yield first
        yield from pieces
        return
    yield from _inflate(first, pieces, _GZIP)


def _inflate(piece: bytes, pieces: Iterator[bytes], bits: int) -> Iterator[bytes]:
    stream, begun = zlib.decompressobj(bits), False
    while piece:
        begun = True
        yield stream.decompress(piece, PIECE)
        piece = stream.unconsumed_tail
        while not piece and (chunk := stream.decompress(b"", PIECE)):
            yield chunk
        if stream.eof:
            piece = stream.unused_data or next(pieces, b"")
            if not piece or bits != _GZIP or not _MAGIC.startswith(piece[:2]):
                return  # what follows the last member is padding
            stream = zlib.decompressobj(bits)
        piece = piece or next(pieces, b"")
    if begun:
        raise EOFError("it ends too early")


def _deflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """RFC 1950, or the bare RFC 1951 that some servers send. Never asked for."""
    first = _first(pieces)
    zlib_header = len(first) > 1 and first[0] & 15 == 8 and (first[0] << 8 | first[1]) % 31 == 0
    yield from _inflate(first, pieces, _ZLIB if zlib_header else _BARE)


def _brotli(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """RFC 7932."""
    stream, begun = brotli.Decompressor(), False
    for piece in pieces:
        begun = True
        chunk = stream.process(piece, output_buffer_limit=PIECE)
        while chunk or not stream.can_accept_more_data():
            yield chunk
            chunk = stream.process(b"", output_buffer_limit=PIECE) if not stream.is_finished() else b""
        if stream.is_finished():
            return
    if begun:
        raise EOFError("it ends too early")


def _zstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """RFC 8878, several frames included."""
    maker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    stream, begun = maker.decompressobj(), False
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            bite, rest, begun = bytes(rest[:_ZSTD_BITE]), rest[_ZSTD_BITE:], True
            while bite:
                yield stream.decompress(bite)
                bite = stream.unused_data if stream.eof else b""
                if stream.eof:
                    stream, begun = maker.decompressobj(), bool(bite)
    if begun:
        raise EOFError("it ends too early")


_CODINGS: dict[str, _Coding] = {
    "gzip": _gzip,
    "x-gzip": _gzip,  # RFC 9110 section 8.4.1.3: the same
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
