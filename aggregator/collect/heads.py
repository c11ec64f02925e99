"""The head of an answer, as strangers write it.

`http.client` loses what stands behind a line that is no field, takes an interim answer for the answer, and
awaits a body where there can be none.

RFC 9112 (HTTP/1.1), RFC 9110 sections 5.3 and 15.2.
"""

import io
import re
from http.client import HTTPResponse, LineTooLong
from typing import BinaryIO

_LONGEST_LINE = 65536
_INTERIM = re.compile(rb"HTTP/1\.\d[ \t]+1(?!01)\d\d\b")  # 101 would be the last
_FIELD = re.compile(rb"([!#-'*+.0-9A-Z^-z|~-]+)[ \t]*:(.*)", re.DOTALL)
_WITHOUT_BODY = frozenset({204, 304})
# What is read of a head; others may be as many as they like.
_READ = frozenset(
    {
        b"age", b"cache-control", b"connection", b"content-encoding", b"content-length", b"content-type",
        b"date", b"etag", b"expires", b"keep-alive", b"last-modified", b"location", b"proxy-connection",
        b"retry-after", b"transfer-encoding",
    }
)  # fmt: skip


class Answer(HTTPResponse):
    """An answer whose head may be odd."""

    def begin(self) -> None:
        """Read the head of the final answer. Raises what `HTTPResponse` does."""
        connection = self.fp
        self.fp = io.BufferedReader(io.BytesIO(read_head(connection)))
        try:
            super().begin()
        finally:
            self.fp = connection
        if self.status in _WITHOUT_BODY:
            self.chunked = False  # RFC 9112 section 6.1: said of the body that a 200 would have


def read_head(stream: BinaryIO) -> bytes:
    """The head of the first answer that is not interim: the fields that somebody reads, each on one line.

    Of what is not HTTP it is the first line. Raises LineTooLong.
    """
    while True:
        status = _line(stream)
        fields = _fields(stream) if status.startswith(b"HTTP/") else []
        if not _INTERIM.match(status):
            return b"\r\n".join((status.rstrip(b"\r\n"), *fields, b"", b"")) if status else b""


def _fields(stream: BinaryIO) -> list[bytes]:
    """The fields up to the empty line; the same thing said twice is said once."""
    fields: list[bytes] = []
    wanted = False
    while line := _line(stream).rstrip(b"\r\n").replace(b"\r", b" "):  # section 2.2: a bare CR is a blank
        if line[:1] in b" \t":
            if wanted:  # section 5.2: a field goes on
                fields[-1] += b" " + line.strip()
            continue
        match = _FIELD.match(line)
        wanted = match is not None and match[1].lower() in _READ
        if match is not None and wanted:
            fields.append(match[1].lower() + b": " + match[2].strip())
    return list(dict.fromkeys(fields))


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise LineTooLong("header line")
    return line
