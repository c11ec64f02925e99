"""`forkserver`: what processes find done when they are forked, and what becomes of them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from labour import recall, remember

from aggregator.errors import WorkerError
from aggregator.forkserver import ForkServer


@pytest.fixture
def server() -> Iterator[ForkServer]:
    server = ForkServer([(remember, ("first",))])
    yield server
    server.close()


def said(pipe: Connection) -> object:
    assert pipe.poll(20)
    return pipe.recv()


def test_finds_done_what_was_prepared(server: ForkServer) -> None:
    """A process knows what was prepared before it, and no more."""
    _, one = server.fork((recall, ()))
    server.prepare((remember, ("second",)))
    _, other = server.fork((recall, ()))
    assert [said(one), said(other)] == [["first"], ["first", "second"]]


def test_a_preparation_fails(server: ForkServer) -> None:
    """Nothing is forked after a preparation that failed, and the reason is told."""
    server.prepare((int, ("x",)))
    with pytest.raises(WorkerError, match="does not start: ValueError: invalid literal"):
        server.fork((recall, ()))


def test_ends_a_process(server: ForkServer) -> None:
    """A process that was ended is gone, though it would wait for its pipe for ever."""
    pid, _pipe = server.fork((Connection.recv, ()))
    server.end(pid)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_is_gone() -> None:
    """Without its interpreter it says so, and still kills what was forked."""
    server = ForkServer()
    pid, pipe = server.fork((Connection.recv, ()))
    server.close()
    with pytest.raises(EOFError):
        server.fork((recall, ()))
    server.end(pid)
    with pytest.raises(EOFError):
        said(pipe)


def test_ends_with_the_program() -> None:
    """Its interpreter ends by itself when the program is killed, though a process it forked lives on."""
    script = (
        "import os\nfrom labour import tell_parent\nfrom aggregator.forkserver import ForkServer\n"
        "_, pipe = ForkServer().fork((tell_parent, ()))\nprint(pipe.recv(), flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    support = Path(__file__).parent / "support"
    said = subprocess.run([sys.executable, "-c", script], cwd=support, capture_output=True, check=False)
    assert has_ended(int(said.stdout))


def has_ended(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text("ascii").split()[2] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False
