"""What the service manager hears, over a real datagram socket."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from aggregator.notify import Notifier


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address)
        channel.settimeout(5)
        yield channel


def heard(channel: socket.socket) -> str:
    return channel.recv(4096).decode()


def test_the_life_of_a_service_is_told(tmp_path: Path) -> None:
    """READY, STATUS, RELOADING, WATCHDOG and STOPPING arrive as sd_notify(3) words them."""
    path = str(tmp_path / "notify")
    with manager(path) as channel:
        notifier = Notifier({"NOTIFY_SOCKET": path}, monotonic=lambda: 12.5)
        notifier.ready("3 sources")
        assert heard(channel) == "READY=1\nSTATUS=3 sources"
        notifier.reloading()
        assert heard(channel) == "RELOADING=1\nMONOTONIC_USEC=12500000"
        notifier.progress()
        assert heard(channel) == "WATCHDOG=1"
        notifier.status("one\nline")
        assert heard(channel) == "STATUS=one line"
        notifier.stopping()
        assert heard(channel) == "STOPPING=1\nSTATUS=stopping"


def test_abstract_sockets_are_understood() -> None:
    """systemd may hand out an address that begins with @."""
    with manager("\0aggregator-test-notify") as channel:
        Notifier({"NOTIFY_SOCKET": "@aggregator-test-notify"}).ready("up")
        assert heard(channel).startswith("READY=1")


def test_progress_is_sent_once_a_second_at_most(tmp_path: Path) -> None:
    """A thousand sources in a second are one message."""
    path = str(tmp_path / "notify")
    seconds = count(0, 0.1)
    with manager(path) as channel:
        notifier = Notifier({"NOTIFY_SOCKET": path}, monotonic=lambda: next(seconds))
        for _ in range(15):
            notifier.progress()
        channel.settimeout(0)
        messages = 0
        while True:
            try:
                assert heard(channel) == "WATCHDOG=1"
            except BlockingIOError:
                break
            messages += 1
    assert messages == 2


def test_without_a_manager_nothing_happens() -> None:
    """In a terminal there is nobody to tell."""
    Notifier({}).ready("up")


def test_a_manager_that_is_gone_is_no_hindrance(tmp_path: Path) -> None:
    """What cannot be told costs nothing: the work goes on."""
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("up")
