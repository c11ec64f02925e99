import gzip
import http.client
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from aggregator.errors import ServeError
from aggregator.serve.app import create_app
from aggregator.serve.outputs import Outputs, media_type
from aggregator.serve.server import Server, listen

FEED = b"<?xml version='1.0' encoding='UTF-8'?>\n<feed>" + "半岛网".encode() * 500 + b"</feed>"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(name="outputs", scope="module")
def make_outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("site") / "outputs"
    files = {
        "index.html": b"<!doctype html>",
        "opml.xml": b"<opml/>",
        "feeds/all/atom.xml": FEED,
        "feeds/all/rss.xml": b"<rss/>",
        "feeds/all/feed.json": b"{}",
        "feeds/新闻/index.html": b"<!doctype html><p>x",
        "feeds/新闻/archive/2022-09.atom": FEED,
        "posts/2022/09/标题 a#b-12345678.md": b"post",
        ".secret": b"secret",
        ".git/config": b"secret",
        "feeds/.aggregator-1-1.tmp": b"secret",
        "changing.xml": b"<rss/>",
    }
    for path, data in files.items():
        (outputs / path).parent.mkdir(parents=True, exist_ok=True)
        (outputs / path).write_bytes(data)
    (outputs.parent / "outside.txt").write_text("secret")
    (outputs / "linked").symlink_to("../outside.txt")
    (outputs / "folder").symlink_to("..")
    os.mkfifo(outputs / "pipe")
    return outputs


@pytest.fixture(name="server", scope="module")
def make_server(outputs: Path) -> Iterator[Server]:
    with Server(create_app(outputs), "127.0.0.1:0") as server:
        yield server


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request; `path` goes on the wire as it is."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def said(server: Server, request: str) -> bytes:
    """What the server says until it ends the connection."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(request.encode())
        received = b""
        with suppress(ConnectionResetError):
            while chunk := client.recv(65536):
                received += chunk
        return received


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/opml.xml", "text/x-opml; charset=utf-8"),
        ("/feeds/all/atom.xml", "application/atom+xml; charset=utf-8"),
        ("/feeds/all/rss.xml", "application/rss+xml; charset=utf-8"),
        ("/feeds/all/feed.json", "application/feed+json"),
        ("/feeds/%E6%96%B0%E9%97%BB/", "text/html; charset=utf-8"),
        ("/feeds/%E6%96%B0%E9%97%BB/archive/2022-09.atom", "application/atom+xml; charset=utf-8"),
        ("/posts/2022/09/%E6%A0%87%E9%A2%98%20a%23b-12345678.md", "text/markdown; charset=utf-8"),
    ],
)
def test_outputs_are_handed_out(server: Server, path: str, kind: str) -> None:
    """Every kind of output has its media type, both validators, and is safe to show."""
    answer = ask(server, path)
    assert answer.status == 200
    assert answer.headers["content-type"] == kind
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer.headers["etag"])
    assert answer.headers["last-modified"].endswith(" GMT")
    assert "max-age" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script" not in answer.headers["content-security-policy"]
    assert int(answer.headers["content-length"]) == len(answer.body) > 0
    assert "server" not in answer.headers


def test_a_head_is_a_get_without_the_body(server: Server) -> None:
    """HEAD gives the same fields, length included."""
    get, head = ask(server, "/feeds/all/atom.xml"), ask(server, "/feeds/all/atom.xml", "HEAD")
    assert head.body == b""
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_either_validator_gives_304(server: Server, encoding: str) -> None:
    """A poll with the tag or the date of the last answer costs no body, compressed or not."""
    first = ask(server, "/feeds/all/atom.xml", Accept_Encoding=encoding)
    for name, field in (("If_None_Match", "etag"), ("If_Modified_Since", "last-modified")):
        again = ask(server, "/feeds/all/atom.xml", Accept_Encoding=encoding, **{name: first.headers[field]})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["cache-control"] == first.headers["cache-control"]


def test_a_changed_file_has_other_validators(server: Server, outputs: Path) -> None:
    """After a replace the old tag no longer holds, though size and second are the same."""
    old = ask(server, "/changing.xml")
    path = outputs / "changing.xml"
    before = path.stat()
    (outputs / "new").write_bytes(b"<RSS/>")
    os.utime(outputs / "new", ns=(before.st_mtime_ns, before.st_mtime_ns))
    (outputs / "new").replace(path)
    new = ask(server, "/changing.xml", If_None_Match=old.headers["etag"])
    assert (new.status, new.body) == (200, b"<RSS/>")
    assert new.headers["etag"] != old.headers["etag"]


def test_lists_may_come_in_several_lines(server: Server) -> None:
    """Proxies that split a list, or add to it, get what one line would give."""
    known = ask(server, "/feeds/all/atom.xml").headers["etag"]
    request = "GET /feeds/all/atom.xml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    tags = f'If-None-Match: "other"\r\nIf-None-Match: {known}\r\n\r\n'
    assert said(server, request + tags).startswith(b"HTTP/1.1 304 ")
    encodings = "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n"
    assert b"content-encoding: gzip" in said(server, request + encodings)


def test_a_condition_that_fails_is_told(server: Server) -> None:
    """A client that wants the rest of a page it knows is not given another one (RFC 9110 13.1.1)."""
    known = ask(server, "/feeds/all/atom.xml").headers["etag"]
    assert ask(server, "/feeds/all/atom.xml", If_Match=known).status == 200
    assert ask(server, "/feeds/all/atom.xml", If_Match='"other"').status == 412


def test_the_same_bytes_have_the_same_tag(server: Server) -> None:
    """The tag comes from the bytes and not from the file, so that copies of the site agree."""
    paths = ("/feeds/all/atom.xml", "/feeds/%E6%96%B0%E9%97%BB/archive/2022-09.atom")
    assert len({ask(server, path).headers["etag"] for path in paths}) == 1


def test_large_texts_are_compressed_for_those_who_can(server: Server) -> None:
    """gzip halves the feed at least, has a tag of its own, and small files are left alone."""
    plain, packed = (
        ask(server, "/feeds/all/atom.xml"),
        ask(server, "/feeds/all/atom.xml", Accept_Encoding="gzip, br"),
    )
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == FEED
    assert len(packed.body) < len(plain.body) / 2
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in ask(server, "/feeds/all/rss.xml", Accept_Encoding="gzip").headers
    assert ask(server, "/feeds/all/atom.xml", Accept_Encoding="gzip").body == packed.body


@pytest.mark.parametrize(
    "path",
    [
        "/.secret",
        "/.git/config",
        "/%2egit/config",
        "/feeds/.aggregator-1-1.tmp",
        "/../outside.txt",
        "/feeds/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/feeds/..%2f..%2f..%2foutside.txt",
        "/feeds/%2e%2e/%2e%2e/outside.txt",
        "/..%5coutside.txt",
        "/%252e%252e/outside.txt",
        "//etc/passwd",
        "/feeds//all/atom.xml",
        "/feeds/",
        "/feeds",
        "/feeds/all/",
        "/posts/2022/",
        "/index.html/",
        "/index.html%00",
        "/%ff%fe",
        "/" + "a" * 5000,
        "/linked",
        "/folder/outside.txt",
        "/pipe",
    ],
)
def test_nothing_else_is(server: Server, path: str) -> None:
    """No hidden file, nothing outside, no listing, no link, no device, whatever the spelling."""
    answer = ask(server, path)
    assert answer.status == 404
    assert b"secret" not in answer.body
    assert b"atom.xml" not in answer.body


def test_a_folder_with_a_page_has_one_address(server: Server) -> None:
    """Without the last slash the client is sent on, whatever host it says it asked."""
    answer = ask(server, "/feeds/%E6%96%B0%E9%97%BB?x=y", Host="evil.example")
    assert answer.status == 308
    assert answer.headers["location"] == "%E6%96%B0%E9%97%BB/"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(server: Server, method: str) -> None:
    """The site is read only."""
    answer = ask(server, "/index.html", method)
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_an_absent_folder_is_an_empty_site(tmp_path: Path) -> None:
    """Before the first pass there is nothing, and no error."""
    with Server(create_app(tmp_path / "none"), "127.0.0.1:0") as server:
        assert ask(server, "/").status == 404


def test_further_routes_come_first(outputs: Path) -> None:
    """Health and metrics answer beside the files, though a file may have their name."""

    def health(request: Request) -> PlainTextResponse:
        return PlainTextResponse("fine")

    with Server(create_app(outputs, [Route("/index.html", health)]), "127.0.0.1:0") as server:
        assert ask(server, "/index.html").body == b"fine"
        assert ask(server, "/opml.xml").body == b"<opml/>"


def test_many_clients_at_once(server: Server) -> None:
    """Clients in parallel all get the same whole feed."""
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: ask(server, "/feeds/all/atom.xml", Accept_Encoding="gzip"), range(64))
        )
    assert {answer.status for answer in answers} == {200}
    assert {gzip.decompress(answer.body) for answer in answers} == {FEED}


def test_memory_is_bounded(outputs: Path) -> None:
    """What was asked for lately is kept up to a limit, and a file larger than all of it is still served."""
    files = Outputs(outputs, limit=len(FEED) + 100)
    for path in ("feeds/all/atom.xml", "feeds/新闻/archive/2022-09.atom", "index.html", "feeds/all/atom.xml"):
        body = files.load(path)
        assert body is not None
        files.packed(path, body)
        assert files._size == sum(kept.size for kept in files._kept.values()) <= files.limit
    assert Outputs(outputs, limit=1).load("feeds/all/atom.xml") is not None


def test_what_many_ask_for_at_once_is_read_and_compressed_once(outputs: Path) -> None:
    """The others wait for it: all get the same bytes, which are in memory once."""
    files = Outputs(outputs)
    together = threading.Barrier(16)

    def ask_for_it(_: int) -> tuple[int, int]:
        together.wait()
        body = files.load("feeds/all/atom.xml")
        assert body is not None
        return id(body), id(files.packed("feeds/all/atom.xml", body))

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(ask_for_it, range(16)))) == 1


def test_slow_clients_take_no_memory(tmp_path: Path) -> None:
    """Of an answer only a piece waits for a client that does not read."""
    (tmp_path / "large.bin").write_bytes(b"\0" * 40_000_000)
    with Server(create_app(tmp_path), "127.0.0.1:0") as server:
        address, connections = urlsplit(server.url), server._server.server_state.connections
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            client.sendall(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1)
            (connection,) = connections
            assert connection.transport.get_write_buffer_size() < 1_000_000


def test_unknown_endings_are_bytes() -> None:
    """What is none of our kinds is handed out for saving, not for showing."""
    assert media_type("a/b.exe") == media_type("a/b") == "application/octet-stream"
    assert media_type("a/B.HTML") == "text/html; charset=utf-8"


def test_a_unix_socket(outputs: Path, tmp_path: Path) -> None:
    """A proxy on the same machine may connect by a socket file, which is gone at the end."""
    path = tmp_path / "http.sock"
    with Server(create_app(outputs), f"unix:{path}"), socket.socket(socket.AF_UNIX) as client:
        assert path.stat().st_mode & 0o777 == 0o660
        client.connect(str(path))
        client.sendall(b"GET /opml.xml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b""
        while chunk := client.recv(4096):
            received += chunk
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"<opml/>")
    assert not path.exists()


def test_a_socket_file_that_nobody_serves_is_replaced(tmp_path: Path) -> None:
    """What a killed server left behind does not keep the next from starting; a live one does."""
    bind = f"unix:{tmp_path / 'http.sock'}"
    listen(bind).close()
    with listen(bind), pytest.raises(ServeError, match="in use"):
        listen(bind)


@pytest.mark.parametrize("bind", ["127.0.0.1:x", "127.0.0.1:99999", "unix:/no/such/folder/s", "256.1.1.1:80"])
def test_an_address_that_cannot_be_had_is_one_sentence(bind: str) -> None:
    """The message names the address."""
    with pytest.raises(ServeError, match=f"^cannot listen on {re.escape(bind)}: .+"):
        listen(bind)


def test_a_port_in_use_is_one_sentence(server: Server, outputs: Path) -> None:
    """Two servers on one port: the second says so at once."""
    with pytest.raises(ServeError, match="in use"):
        Server(create_app(outputs), urlsplit(server.url).netloc)


def test_stopping_is_quick(outputs: Path) -> None:
    """An idle connection does not hold the server up."""
    with Server(create_app(outputs), "127.0.0.1:0") as server:
        address = urlsplit(server.url)
        idle = socket.create_connection((address.hostname, address.port))
        start = time.monotonic()
    assert time.monotonic() - start < 3
    idle.close()


@pytest.mark.parametrize("request_", ["", "GET /opml.xml HTTP/1.1\r\nHost: x\r\n"])
def test_who_never_asks_is_left(outputs: Path, request_: str) -> None:
    """A connection on which no whole request comes ends, so that idle clients keep no others out."""
    with Server(create_app(outputs), "127.0.0.1:0", patience=0.05) as server:
        assert said(server, request_) == b""


def test_who_never_takes_the_answer_is_left(tmp_path: Path) -> None:
    """A client that does not read loses its connection; one that takes its time gets all."""
    size = 40_000_000  # more than the buffers of two sockets hold
    (tmp_path / "large.bin").write_bytes(b"\0" * size)
    request = "GET /large.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with Server(create_app(tmp_path), "127.0.0.1:0") as server:
        assert len(said(server, request)) > size
    with Server(create_app(tmp_path), "127.0.0.1:0", patience=0.05) as server:
        address, connections = urlsplit(server.url), server._server.server_state.connections
        with socket.create_connection((address.hostname, address.port), timeout=10) as client:
            client.sendall(request.encode())
            client.recv(1)
            deadline = time.monotonic() + 10
            while connections and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not connections
