"""The daemon as a real process: its passes, signals, settings and messages to the service manager."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from loopback import Raw, Reply, Route, Server
from world import World, source

from aggregator.daemon import Beats, Daemon, _bring_forward
from aggregator.notify import Notifier
from aggregator.pipeline import tools
from aggregator.serving import Attendant

QUICK = """
from aggregator import logs
from aggregator.daemon import Beats, Daemon
from aggregator.notify import Notifier
logs.configure()
Daemon(None, Notifier(), Beats(0.1, 0.1, 0.05)).run()
"""
FEED = b"""<rss version='2.0'><channel><title>T</title>
<item><title>%s</title><link>https://a.example/%s</link><description>words</description></item></channel></rss>"""


class Process:
    """A running daemon, what it logs, and what it tells the service manager."""

    def __init__(self, world: World, channel: socket.socket, code: str) -> None:
        self.world = world
        self.channel = channel
        self.log = world.folder / "log"
        self.notices: list[str] = []
        environment = {**os.environ, "NOTIFY_SOCKET": str(world.folder / "notify")}
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-c", code], cwd=world.folder, stderr=log, env=environment
            )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.startswith("{")]

    def wait_for(self, condition: Callable[[], object], seconds: float = 20) -> None:
        limit = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < limit, self.log.read_text("utf-8")
            assert self.popen.poll() is None, self.log.read_text("utf-8")
            time.sleep(0.02)

    def heard(self, word: str) -> bool:
        while True:
            try:
                self.notices.append(self.channel.recv(4096).decode())
            except BlockingIOError:
                return any(notice.startswith(word) for notice in self.notices)

    def logged(self, event: str, **fields: object) -> bool:
        return any(
            line["event"] == event and all(line.get(key) == value for key, value in fields.items())
            for line in self.lines()
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(timeout=15)


@contextmanager
def daemon(folder: Path, settings: str, code: str = QUICK) -> Iterator[Process]:
    world = World(folder, settings)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        (folder / "notify").unlink(missing_ok=True)
        channel.bind(str(folder / "notify"))
        channel.settimeout(0)
        process = Process(world, channel, code)
        try:
            process.wait_for(lambda: process.heard("READY=1"))
            yield process
        finally:
            process.popen.kill()
            process.popen.wait()


def test_it_works_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """READY, a pass whose outputs are there, STATUS with figures, a fed watchdog, STOPPING, exit 0."""
    with Server({"/f": Reply(FEED % (b"One", b"1"))}) as server:
        with daemon(tmp_path, source("A", server.url("/f"))) as process:
            process.wait_for(lambda: process.logged("updated", source="A"))
            process.wait_for((process.world.outputs / "feeds/all/atom.xml").exists)
            process.wait_for(lambda: process.heard("STATUS=1 articles, 1 sources, 0 failed"))
            process.wait_for(lambda: process.heard("WATCHDOG=1"))
            begun = time.monotonic()
            assert process.stop() == 0
            assert time.monotonic() - begun < 10
            assert process.heard("STOPPING=1")
        assert len(server.asked("/f")) == 1


def test_an_edited_file_is_picked_up_and_a_broken_one_is_not(tmp_path: Path) -> None:
    """A new source is asked; a file with mistakes is reported with all of them, and work goes on."""
    routes = {f"/{name}": Reply(FEED % (name.encode(), name.encode())) for name in "abc"}
    with Server(routes) as server, daemon(tmp_path, source("A", server.url("/a"))) as process:
        process.wait_for(lambda: server.asked("/a"))
        process.world.write(source("A", server.url("/a")) + source("B", server.url("/b")))
        process.wait_for(lambda: server.asked("/b"))
        process.world.write("[site]\ntitel = 1\nbase = 2\n")
        process.wait_for(
            lambda: process.logged("feeds.toml has mistakes; the last good settings stay in force")
        )
        (line,) = [line for line in process.lines() if line["event"].startswith("feeds.toml has")]
        assert "titel" in line["error"]
        assert "key base:" in line["error"]
        process.world.write(source("C", server.url("/c")))
        process.wait_for(lambda: server.asked("/c"))
        assert len(server.asked("/a")) == 1
        assert process.heard("RELOADING=1\nMONOTONIC_USEC=")


def test_warnings_of_the_settings_are_told_at_the_start_too(tmp_path: Path) -> None:
    """What has no effect where it stands is no surprise after months."""
    with daemon(tmp_path, source("A", "http://127.0.0.1:1/") + "workers = 3\n") as process:
        process.wait_for(lambda: process.logged("settings"))


def test_a_failing_source_is_tried_again_when_its_table_is_edited(tmp_path: Path) -> None:
    """Whoever mends a source need not wait for its back-off to end."""
    with Server({"/f": Reply(FEED % (b"One", b"1"))}) as server:
        table = source("A", server.url("/f"))
        with daemon(tmp_path, table + "allow_private_networks = false\n") as process:
            process.wait_for(lambda: process.logged("failed", source="A"))
            process.world.write(table)
            process.wait_for(lambda: process.logged("updated", source="A"))


def test_sighup_reads_the_settings_again(tmp_path: Path) -> None:
    """`systemctl reload` works even where the file's stamp tells nothing."""
    with (
        Server({"/f": Reply(FEED % (b"One", b"1"))}) as server,
        daemon(tmp_path, source("A", server.url("/f"))) as process,
    ):
        process.wait_for(lambda: server.asked("/f"))
        assert not process.logged("settings applied")
        process.popen.send_signal(signal.SIGHUP)
        process.wait_for(lambda: process.logged("settings applied"))


def test_what_counts_as_one_article_is_read_again_too(tmp_path: Path) -> None:
    """An edit of [storage] or [dedup] holds for the open store."""
    world = World(tmp_path, "[storage]\nkeep_revisions = 0\n")
    daemon = Daemon(tmp_path / "feeds.toml", Notifier({}), Beats())
    with world.store() as store:
        assert store.policy.keep_revisions == 0
        world.write("[storage]\nkeep_revisions = 7\n")
        daemon._apply(world.settings, store)
        assert store.policy.keep_revisions == 7


def test_a_second_daemon_is_refused(tmp_path: Path) -> None:
    """It says which process holds the storage, and exits 1."""
    with daemon(tmp_path, "") as process:
        second = subprocess.run(
            [sys.executable, "-m", "aggregator", "daemon"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert second.returncode == 1
        assert f"a daemon (process {process.popen.pid}" in second.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_does_not_wait_for_a_slow_server(tmp_path: Path, number: int) -> None:
    """With an exchange in hand that would take half a minute, it ends within 10 s and loses nothing."""
    drip = Raw(lambda: (part for _ in range(300) for part in (b"H", 0.1)))
    routes: dict[str, Route] = {"/slow": drip, "/quick": Reply(FEED % (b"One", b"1"))}
    with Server(routes) as server:
        tables = source("slow", server.url("/slow")) + source("quick", server.url("/quick"))
        with daemon(tmp_path, tables) as process:
            process.wait_for(lambda: process.logged("updated", source="quick") and server.asked("/slow"))
            begun = time.monotonic()
            assert process.stop(number) == 0
            assert time.monotonic() - begun < 10
        with process.world.store() as store:
            assert store.states()["slow"].last_attempt is None
            assert store.states()["quick"].last_success is not None


def test_a_restart_asks_nothing_early(tmp_path: Path) -> None:
    """When a source is due lies in the database."""
    with Server({"/f": Reply(FEED % (b"One", b"1"))}) as server:
        for _ in range(2):
            with daemon(tmp_path, source("A", server.url("/f"))) as process:
                process.wait_for(lambda: server.asked("/f"))
                process.wait_for((process.world.outputs / "index.html").exists)
                assert process.stop() == 0
        assert len(server.asked("/f")) == 1


def test_a_changed_seed_file_is_noticed(tmp_path: Path) -> None:
    """Seed directories are scanned again and again."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    with daemon(tmp_path, '[[seeds]]\npath = "seeds"\n') as process:
        (seeds / "a.md").write_text("\n---\ntitle: 'Fresh'\ncategories: \n - A\n---\n\n<p>words</p>", "utf-8")
        process.wait_for(lambda: len(process.world.posts()) == 1)


def test_a_run_beside_a_daemon_waits_for_its_turn(tmp_path: Path) -> None:
    """Both work on one storage without getting into each other's way."""
    with (
        Server({"/f": Reply(FEED % (b"One", b"1"))}) as server,
        daemon(tmp_path, source("A", server.url("/f"))) as process,
    ):
        process.wait_for(lambda: process.logged("updated", source="A"))
        command = [sys.executable, "-m", "aggregator", "run", "--all", "--json"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=30)
        assert json.loads(ran.stdout)["sources"][0]["result"] == "unchanged"


def test_a_clock_that_is_set_moves_what_is_to_come_along(tmp_path: Path) -> None:
    """An hour back, or ten years ahead and back: a source keeps the wait that it had."""
    with Server({"/f": Reply(FEED % (b"One", b"1"))}) as server:
        world = World(tmp_path, source("A", server.url("/f")))
        world.run()
    offsets = iter([0.0, -3600.0, 315e6, 0.0, 5.0])
    daemon = Daemon(tmp_path / "feeds.toml", Notifier({}), Beats(), offset=lambda: next(offsets))
    with world.store() as store:
        due = store.states()["A"].next_due
        assert due is not None
        for moved in (-3600.0, 315e6, 0.0, 0.0):
            daemon.mind_the_clock(store)
            assert store.states()["A"].next_due == due + timedelta(seconds=moved)


def test_a_file_in_the_midst_of_being_written_is_not_read(tmp_path: Path) -> None:
    """Half a file may be valid settings with fewer sources; SIGHUP says that it is whole."""
    whole = source("A", "http://a.example/") + source("B", "http://b.example/")
    world = World(tmp_path, whole)
    daemon = Daemon(tmp_path / "feeds.toml", Notifier({}), Beats())
    with world.store() as store:
        attendant = Attendant(store)

        def names_after(settings: str) -> list[str]:
            world.write(settings)
            daemon._watch_settings(store, attendant)
            return [one.name for one in daemon._settings.sources]

        assert names_after(source("C", "http://c.example/")) == ["A", "B"]
        assert names_after(whole + source("C", "http://c.example/")) == ["A", "B"]
        daemon._watch_settings(store, attendant)
        assert [one.name for one in daemon._settings.sources] == ["A", "B", "C"]
        daemon.reload()
        assert names_after(whole) == ["A", "B"]


def test_a_clock_set_back_by_years_does_not_put_off_the_work_of_the_night(tmp_path: Path) -> None:
    """Retention holds though the clock ran far ahead when the daemon began."""
    world = World(tmp_path, "")
    daemon = Daemon(tmp_path / "feeds.toml", Notifier({}), Beats())
    with world.store() as store, tools() as with_:
        scheduler = daemon._scheduler(store, with_, Attendant(store))
        scheduler.start(paused=True)
        moment = datetime.now(UTC) - timedelta(days=3650)
        _bring_forward(scheduler, moment)
        assert [job.next_run_time for job in scheduler.get_jobs()] == [moment] * 5
        nightly = moment + timedelta(hours=23)
        for job in scheduler.get_jobs():
            job.modify(next_run_time=nightly)
        _bring_forward(scheduler, moment)
        assert [job.next_run_time for job in scheduler.get_jobs()].count(nightly) == 1
        scheduler.shutdown()


def test_what_stays_as_it_is_is_told_once_an_hour(tmp_path: Path) -> None:
    """What is looked at every few seconds does not fill the journal; what changes is told."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "bad.md").write_text("\n---\ntitle: T\n", "utf-8")
    tables = '[[seeds]]\npath = "seeds"\n[[sources]]\nname = "F"\npath = "f.xml"\ncategories = ["A"]\n'
    with daemon(tmp_path, tables) as process:
        (process.world.outputs / "index.html").mkdir(parents=True)
        process.wait_for(lambda: process.logged("failed", source="F"))
        process.wait_for(lambda: process.logged("updated", source="seeds"))
        (tmp_path / "f.xml").write_bytes(FEED % (b"One", b"1"))
        process.wait_for(lambda: process.logged("updated", source="F"))
        (tmp_path / "f.xml").unlink()
        process.wait_for(lambda: len([line for line in process.lines() if line["event"] == "failed"]) == 2)
        (tmp_path / "seeds" / "good.md").write_text("\n---\ntitle: 'T'\n---\n\n<p>words</p>", "utf-8")
        process.wait_for(lambda: process.logged("updated", source="seeds", new=1))
        events = [(line["event"], line.get("source"), line.get("problem")) for line in process.lines()]
    assert events.count(("updated", "seeds", None)) == 2
    assert len([event for event, *_ in events if event == "not published"]) == 1
    assert not [event for event, *_ in events if "maximum number of running instances" in event]
