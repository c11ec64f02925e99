"""What the workloads share: the server, folders, and processes under the clock."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
GROUPS = 5
SECTIONS = 50
CATEGORY_PATHS = GROUPS + SECTIONS
"""Every section and every group above them is an output feed, `all` and one a source besides."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process and its children took: seconds of wall and of CPU, and MiB of the largest of them."""

    wall: float
    cpu: float
    memory: float = 0.0


class Failed(Exception):
    """A measured process did not do its work."""


def timed(command: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end. Raises Failed if it does not succeed."""
    begun = time.perf_counter()
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise Failed(f"{' '.join(command)}: {said.read()[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class FeedServer:
    """The loopback server in its own process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.version = 0
        self.port = int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def show(self, version: int, *, validators: bool = True) -> None:
        """From now on every document is of this version, and comes with validators or never with one."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{version} {validators:d}\n")
        self._process.stdin.flush()
        self._line()
        self.version = version

    def url(self, feed: int | str) -> str:
        """The address of a feed, by its number or what stands for it."""
        return f"http://127.0.0.1:{self.port}/{feed}.xml"


@contextmanager
def serving(feeds: int, versions: int = 2) -> Iterator[FeedServer]:
    """A server of so many feeds, each in so many versions."""
    command = [sys.executable, str(HERE / "server.py"), str(feeds), str(versions)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield FeedServer(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def category(number: int) -> tuple[str, str]:
    """The category path of a feed: one of `SECTIONS` under one of `GROUPS`."""
    section = number % SECTIONS
    return f"Group {section % GROUPS}", f"Section {section}"


SETTINGS = """
[site]
title = "Benchmark"
base_url = "https://news.example.org/"

[fetch]
interval = "1h"
per_host = 16
per_host_delay = "0s"
allow_private_networks = true
"""


def write_settings(folder: Path, addresses: Sequence[str]) -> None:
    """A feeds.toml with these feeds."""
    parts = [SETTINGS]
    for number, address in enumerate(addresses):
        group, section = category(number)
        parts.append(
            f'[[sources]]\nname = "Feed {number}"\nurl = "{address}"\ncategories = ["{group}", "{section}"]\n'
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "feeds.toml").write_text("\n".join(parts))


PROGRAM = (sys.executable, "-m", "aggregator")


def run_program(folder: Path, *arguments: str) -> Cost:
    """The program as its users start it, in the folder of its settings."""
    return timed((*PROGRAM, *arguments), folder)
