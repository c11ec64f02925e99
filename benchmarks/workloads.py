"""The workloads, each a whole process of ours or of the peer. Every figure is of a fresh folder.

Nothing is deleted while anything is measured: ext4 searches past what was deleted within seconds, and
making files costs several times as much then.
"""

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from feeds import body
from rig import HERE, Cost, Failed, FeedServer, category, run_program, serving, timed, write_settings

Figures = dict[str, list[Cost]]

CHANGING = 5
"""Feeds that change in each pass of W7."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a series is measured, and what came of it by name."""

    root: Path
    feeds: int
    ours: Figures = field(default_factory=dict)
    peer: Figures = field(default_factory=dict)

    def note(self, figures: Figures, name: str, cost: Cost) -> None:
        """Keep a figure and say so."""
        figures.setdefault(name, []).append(cost)
        who = "ours" if figures is self.ours else "peer"
        print(
            f"  {who:5} {name:24} {cost.wall:7.2f} s wall {cost.cpu:7.2f} s CPU {cost.memory:6.0f} MiB",
            flush=True,
        )

    def folder(self, name: str) -> Path:
        """A new folder."""
        made = self.root / f"{name}-{next(_numbers)}"
        made.mkdir(parents=True)
        return made


def feeds(bench: Bench, server: FeedServer) -> None:
    """W1 to W4 of ours, once."""
    folder = bench.folder("feeds")
    for name, arguments, entries in feed_passes(folder, server, bench.feeds):
        bench.note(bench.ours, name, run_program(folder, *arguments))
        expect(folder, bench.feeds * entries)


def feed_passes(folder: Path, server: FeedServer, feeds: int) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """W1 to W4: new, 304, the same bytes without validators, one new entry in each feed; and a start.

    What each is called, what the program is told, and how many posts a feed has then. Each is to be run
    before the next is asked for.
    """
    server.show(0)
    write_settings(folder, [server.url(number) for number in range(feeds)])
    yield "W1", ("run", "--all"), 20
    yield "start", ("run",), 20
    yield "W2", ("run", "--all"), 20
    server.show(0, validators=False)
    yield "W3", ("run", "--all"), 20
    server.show(1)
    yield "W4", ("run", "--all"), 21


def expect(folder: Path, posts: int, place: str = "outputs/posts") -> None:
    """Raise Failed unless that many posts are there: what is quick but wrong counts for nothing."""
    found = sum(1 for _ in (folder / place).rglob("*.md"))
    if found != posts:
        raise Failed(f"{folder}: {found} posts instead of {posts}")


def peer_feeds(bench: Bench, server: FeedServer) -> None:
    """W1 to W4 of the peer, once. It stores and publishes nothing."""
    server.show(0)
    folder = bench.folder("peer")
    command = [sys.executable, str(HERE / "peer.py"), "reader.db", "1"]
    addresses = "\n".join(server.url(number) for number in range(bench.feeds))
    subprocess.run([*command, "add"], cwd=folder, input=addresses, text=True, check=True)
    bench.note(bench.peer, "start", timed([*command, "start"], folder))
    bench.note(bench.peer, "W1", timed([*command, "update"], folder))
    bench.note(bench.peer, "W2", timed([*command, "update"], folder))
    server.show(0, validators=False)
    bench.note(bench.peer, "W3", timed([*command, "update"], folder))
    server.show(1)
    bench.note(bench.peer, "W4", timed([*command, "update"], folder))


def floor(bench: Bench, server: FeedServer) -> None:
    """W1 by the libraries alone, once, beyond their start."""
    server.show(0)
    folder = bench.folder("floor")
    command = [sys.executable, str(HERE / "floor.py"), server.url("{}")]
    start = timed([*command, "0"], folder)
    cost = timed([*command, str(bench.feeds)], folder)
    bench.note(bench.ours, "floor", Cost(cost.wall - start.wall, cost.cpu - start.cpu, cost.memory))
    expect(folder, 20 * bench.feeds, "posts")


def server_alone(bench: Bench, server: FeedServer) -> None:
    """All documents over one connection, by a client that does nothing with them."""
    server.show(0)
    begun, used = time.perf_counter(), time.process_time()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for number in range(bench.feeds):
            ask(connection, f"GET /{number}.xml HTTP/1.1\r\nHost: x\r\n\r\n")
    bench.note(bench.ours, "server alone", Cost(time.perf_counter() - begun, time.process_time() - used))


def ask(connection: socket.socket, request: str) -> None:
    """Send one request and read the whole answer."""
    connection.sendall(request.encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 20)
    head, _, rest = data.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    while len(rest) < int(length or 0):
        rest += connection.recv(1 << 20)


def seeds(bench: Bench, files: int) -> None:
    """W5: a directory of seed files, cold and then unchanged."""
    folder = bench.folder("seeds")
    write_seeds(folder, files)
    bench.note(bench.ours, "W5 cold", run_program(folder, "run"))
    expect(folder, files)
    bench.note(bench.ours, "W5 unchanged", run_program(folder, "run"))


def write_seeds(folder: Path, files: int) -> None:
    """Settings with one seed directory, and so many files in it."""
    write_settings(folder, [])
    with (folder / "feeds.toml").open("a") as settings:
        settings.write('[[seeds]]\nname = "Archive"\npath = "archive"\n')
    for number in range(files):
        group, section = category(number)
        place = folder / "archive" / group / section
        place.mkdir(parents=True, exist_ok=True)
        (place / f"Article {number}.md").write_text(seed_file(number, group, section))


def seed_file(number: int, group: str, section: str) -> str:
    """A post as the archive has them (format.md)."""
    return (
        f"\n---\ntitle: 'Article {number} of the archive'\ncategories: \n - {group}\n - {section}\n"
        f"headimg: 'https://img.example/{number}.jpg'\nauthor: {section}\ncomments: false\n"
        f"date: Tue, {1 + number % 28:02d} Sep 2022 09:{number % 60:02d}:50 GMT\n"
        f"thumbnail: 'https://img.example/{number}.jpg'\n---\n\n"
        f"<div>   \n{body(number)}  \n</div>\n            "
    )


def publishing(bench: Bench, server: FeedServer) -> None:
    """W6: everything published from scratch, then after one new article."""
    server.show(0)
    folder = bench.folder("publish")
    write_settings(folder, [server.url(number) for number in range(bench.feeds)])
    run_program(folder, "run", "--all")
    (folder / "outputs").rename(folder / "outputs-before")
    bench.note(bench.ours, "W6 from scratch", run_program(folder, "publish"))
    expect(folder, bench.feeds * 20)
    server.show(1)
    bench.note(bench.ours, "W6 one new article", run_program(folder, "run", "--source", "Feed 0"))
    expect(folder, bench.feeds * 20 + 1)


def memory(bench: Bench, passes: int) -> tuple[float, float]:
    """W7: MiB that a process of many passes holds after a fifth of them, and at their end."""
    with serving(CHANGING) as server:
        folder = bench.folder("passes")
        write_settings(folder, [server.url(number) for number in range(CHANGING)])
        command = [sys.executable, str(HERE / "passes.py"), str(passes)]
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        assert process.stdout is not None
        sizes = []
        for number in range(passes):
            server.show(number % 2)
            process.stdin.write("\n")
            process.stdin.flush()
            sizes.append(float(process.stdout.readline()))
        process.stdin.close()
        process.wait()
    return sizes[passes // 5], sizes[-1]
