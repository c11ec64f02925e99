"""The outputs over HTTP, by the command and by the daemon, as real processes."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from loopback import Raw, Reply, Route, Server
from world import World, source

from aggregator import serving
from aggregator.pings import PATIENCE

FEED = b"""<rss version='2.0'><channel><title>T</title>
<item><title>%s</title><link>https://a.example/%s</link><description>words</description></item></channel></rss>"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Local(http.client.HTTPConnection):
    """A connection to a port or to a Unix socket."""

    def __init__(self, bind: str) -> None:
        super().__init__("127.0.0.1" if bind.startswith("unix:") else bind, timeout=10)
        self.bind = bind

    def connect(self) -> None:
        if not self.bind.startswith("unix:"):
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.bind.removeprefix("unix:"))


def get(bind: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = Local(bind)
    try:
        connection.request("GET", path, headers={"Host": "x", **headers})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def answers(bind: str, path: str = "/healthz") -> bool:
    try:
        return get(bind, path)[0] == 200
    except OSError:
        return False


def wait_for(condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        assert process is None or process.poll() is None
        time.sleep(0.02)


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, stdout=log, stderr=log, env={**os.environ}
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=12)


def test_the_command_hands_out_what_was_published(tmp_path: Path) -> None:
    """Pages, feeds and posts with validators, 304 on the second request, /healthz; a clean end on SIGTERM."""
    bind = f"127.0.0.1:{free_port()}"
    with Server({"/f": Reply(FEED % (b"One", b"1"))}) as server:
        world = World(tmp_path, f'[serve]\nbind = "{bind}"\n' + source("A", server.url("/f")))
        world.run()
    with running(tmp_path, "-m", "aggregator", "serve") as process:
        wait_for(lambda: answers(bind), process)
        status, headers, body = get(bind, "/feeds/all/atom.xml")
        assert (status, body) == (200, (world.outputs / "feeds/all/atom.xml").read_bytes())
        assert headers["content-type"] == "application/atom+xml; charset=utf-8"
        again = {"If-None-Match": headers["etag"]}
        assert get(bind, "/feeds/all/atom.xml", **again)[0] == 304
        assert get(bind, "/")[0] == 200
        assert get(bind, "/../feeds.toml")[0] == 404
        _, headers, body = get(bind, "/healthz")
        assert headers["cache-control"] == "no-store"
        facts = json.loads(body)
        assert (facts["status"], facts["last_pass"]) == ("ok", "2026-11-02T12:00:00+00:00")
        assert stop(process) == 0
    assert f"serving {world.outputs} at http://{bind}/" in (tmp_path / "log").read_text()


def test_an_address_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    """Exit status 1 and a sentence, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bind = f"127.0.0.1:{listener.getsockname()[1]}"
        World(tmp_path, f'[serve]\nbind = "{bind}"\n')
        with running(tmp_path, "-m", "aggregator", "serve") as process:
            assert process.wait(timeout=20) == 1
    text = (tmp_path / "log").read_text()
    assert f"cannot listen on {bind}" in text
    assert "Traceback" not in text


QUICK = """
from aggregator import logs
from aggregator.daemon import Beats, Daemon
from aggregator.notify import Notifier
logs.configure()
Daemon(None, Notifier(), Beats(0.1, 0.1, 0.05)).run()
"""


def test_the_daemon_serves_and_follows_its_settings(tmp_path: Path) -> None:
    """On a port, then on a Unix socket, then not at all, then again; the passes go on; SIGTERM ends both."""
    port, unix = f"127.0.0.1:{free_port()}", f"unix:{tmp_path}/s"
    with Server({"/f": Reply(FEED % (b"One", b"1"))}) as server:
        feed = source("A", server.url("/f"))
        texts = {bind: f'[serve]\nin_daemon = true\nbind = "{bind}"\n{feed}' for bind in (port, unix)}
        world = World(tmp_path, texts[port])
        with running(tmp_path, "-c", QUICK) as process:
            wait_for(lambda: answers(port, "/feeds/all/atom.xml"), process)
            wait_for(lambda: json.loads(get(port, "/healthz")[2])["seconds_since"] is not None, process)
            world.write(texts[unix])
            wait_for(lambda: answers(unix), process)
            assert not answers(port)
            world.write(feed)
            wait_for(lambda: not answers(unix), process)
            world.write(texts[port])
            wait_for(lambda: answers(port), process)
            assert stop(process) == 0
    assert not answers(port)
    assert not (tmp_path / "s").exists()


def test_the_daemon_works_on_while_its_address_is_taken(tmp_path: Path) -> None:
    """That is said once; when the address is free, it serves."""
    listener = socket.create_server(("127.0.0.1", 0))
    bind = f"127.0.0.1:{listener.getsockname()[1]}"
    with Server({"/f": Reply(FEED % (b"One", b"1"))}) as server:
        settings = f'[serve]\nin_daemon = true\nbind = "{bind}"\n' + source("A", server.url("/f"))
        world = World(tmp_path, settings)
        with running(tmp_path, "-c", QUICK) as process:
            wait_for((world.outputs / "feeds/all/atom.xml").exists, process)
            listener.close()
            wait_for(lambda: answers(bind), process)
            assert stop(process) == 0
    assert (tmp_path / "log").read_text().count("not serving") == 1


def test_a_hub_that_hangs_keeps_no_pass_waiting(tmp_path: Path) -> None:
    """While the hub is silent a new source is collected and published, and the daemon stops in time."""
    routes: dict[str, Route] = {
        "/a": Reply(FEED % (b"One", b"1")),
        "/b": Reply(FEED % (b"Two", b"2")),
        "/hub": Raw([30.0]),
    }
    with Server(routes) as server:
        hub = f'[publish]\nhub = "{server.url("/hub")}"\n'
        world = World(tmp_path, hub + source("A", server.url("/a")))
        with running(tmp_path, "-c", QUICK) as process:
            wait_for(lambda: server.asked("/hub"), process)
            begun = time.monotonic()
            world.write(hub + source("A", server.url("/a")) + source("B", server.url("/b")))
            wait_for((world.outputs / "feeds/B/atom.xml").exists, process)
            assert time.monotonic() - begun < PATIENCE
            assert stop(process) == 0


@pytest.mark.sqlite
def test_health_says_that_the_storage_cannot_be_read(tmp_path: Path) -> None:
    """503 and a sentence for monitors; a store that no pass has seen yet is well."""
    world = World(tmp_path, "")
    with world.store() as store:
        assert serving.health(store, world.clock) == (
            200,
            {"status": "ok", "last_pass": None, "seconds_since": None},
        )
        for file in (tmp_path / "storage").iterdir():
            file.write_bytes(b"no database" * 1000)
        store.close()
        assert serving.health(store, world.clock)[0] == 503
