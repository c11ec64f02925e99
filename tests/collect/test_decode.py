"""Content codings come undone, whole or not at all."""

import gzip
import zlib
from collections.abc import Callable, Iterator

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from aggregator.collect import decode
from aggregator.errors import FetchError, LimitExceeded

MOST = 100_000
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "deflate": zlib.compress,
}


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@given(
    st.binary(max_size=3000) | st.binary(min_size=1, max_size=9).map(lambda part: part * 9000),
    st.lists(st.sampled_from(sorted(PACKERS)), max_size=3),
    st.integers(1, 5000),
)
def test_what_was_packed_comes_out(body: bytes, codings: list[str], size: int) -> None:
    """Any body, up to three codings on one another, cut into pieces anywhere."""
    packed = body
    for coding in codings:
        packed = PACKERS[coding](packed)
    assert decode.body(pieces(packed, size), ", ".join(codings), MOST) == body


@pytest.mark.parametrize("coding", sorted(PACKERS))
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_what_is_cut_off_is_an_error(coding: str, kept: float) -> None:
    """Half a body is not taken for a whole one."""
    packed = PACKERS[coding](bytes(range(256)) * 40)
    part = packed[: int(len(packed) * kept)]
    with pytest.raises(FetchError, match="corrupt"):
        decode.body(pieces(part, 100), coding, MOST)


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate"])
def test_nonsense_is_an_error(coding: str) -> None:
    """Bytes that are none of the coding."""
    with pytest.raises(FetchError, match="corrupt"):
        decode.body(iter([b"\xff\xfe<rss/>" * 9]), coding, MOST)


def test_corrupt_gzip_is_an_error() -> None:
    """A wrong checksum is noticed."""
    packed = bytearray(gzip.compress(b"body" * 100))
    packed[-5] ^= 1
    with pytest.raises(FetchError, match="corrupt"):
        decode.body(iter([bytes(packed)]), "gzip", MOST)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_several_members_are_one_body(size: int) -> None:
    """gzip members and zstd frames one after the other, wherever the pieces end; padding is passed over."""
    members = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two")
    assert decode.body(pieces(members, size), "gzip", MOST) == b"one two"
    assert decode.body(pieces(members + bytes(20), size), "gzip", MOST) == b"one two"
    frames = zstandard.compress(b"one ") + zstandard.compress(b"two")
    assert decode.body(pieces(frames, size), "zstd", MOST) == b"one two"


def test_bare_deflate_is_understood() -> None:
    """Some servers send RFC 1951 where RFC 1950 is meant."""
    assert decode.body(iter([bare_deflate(b"body")]), "deflate", MOST) == b"body"


@pytest.mark.parametrize("coding", ["", "identity", "UTF-8", "none", ", ,", "compress"])
def test_names_that_are_no_coding_change_nothing(coding: str) -> None:
    """Servers write character sets and worse into Content-Encoding."""
    assert decode.body(iter([b"body"]), coding, MOST) == b"body"


@pytest.mark.parametrize("coding", ["", *sorted(PACKERS)])
def test_a_body_may_be_as_large_as_the_limit(coding: str) -> None:
    """Exactly `max_bytes` pass; one byte more does not."""
    pack = PACKERS.get(coding, bytes)
    assert len(decode.body(pieces(pack(bytes(MOST)), 999), coding, MOST)) == MOST
    with pytest.raises(LimitExceeded, match="max_bytes"):
        decode.body(pieces(pack(bytes(MOST + 1)), 999), coding, MOST)


@pytest.mark.parametrize("coding", ["", *sorted(PACKERS)])
def test_nothing_is_nothing(coding: str) -> None:
    """An empty body is empty in any coding."""
    assert decode.body(iter([]), coding, MOST) == b""
