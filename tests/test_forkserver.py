"""`forkserver`: what processes find done when they are forked, and what becomes of them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from textwrap import dedent

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


@pytest.mark.parametrize("before", ["", "set_aside()"])
def test_ends_with_the_program(before: str) -> None:
    """Its interpreter ends by itself when the program is killed, though a process it forked lives on."""
    said = run_alone(f"""
        {before}
        server = ForkServer()
        _, pipe = server.fork((tell_parent, ()))
        print(pipe.recv(), flush=True)
        os.kill(os.getpid(), 9)
        """)
    assert has_ended(int(said))


def test_set_aside() -> None:
    """The first server is the program as it was when it was set aside; the next knows nothing of it."""
    said = run_alone("""
        remember("before")
        set_aside()
        remember("after")
        for server in (ForkServer(), ForkServer()):
            _, pipe = server.fork((recall, ()))
            print(pipe.recv())
        """)
    assert said.splitlines() == ["['before']", "[]"]


def test_set_aside_holds_nothing_open(tmp_path: Path) -> None:
    """What the program had open is not open in what is forked: locks end with the program."""
    said = run_alone(f"""
        held = open({str(tmp_path / "held")!r}, "w")
        set_aside()
        _, pipe = ForkServer().fork((tell_open, ()))
        print(pipe.recv())
        """)
    assert "/dev/null" in said
    assert "held" not in said


def test_not_set_aside_beside_a_thread() -> None:
    """A program with a second thread is not forked: that thread may hold a lock."""
    said = run_alone("""
        remember("before")
        done = threading.Event()
        threading.Thread(target=done.wait).start()
        set_aside()
        _, pipe = ForkServer().fork((recall, ()))
        print(pipe.recv())
        done.set()
        """)
    assert said == "[]\n"


def test_set_aside_and_killed() -> None:
    """A pool whose interpreter was killed while it waited starts another."""
    said = run_alone("""
        set_aside()
        [waiting] = Path("/proc/thread-self/children").read_text().split()
        os.kill(int(waiting), 9)
        with Workers(1) as pool:
            print(pool.submit(int, "3").result())
        """)
    assert said == "3\n"


@pytest.mark.parametrize("before", ["", "set_aside()"])
def test_ignored_children(before: str) -> None:
    """A program that was started with SIGCHLD ignored waits for its processes all the same."""
    said = run_alone(f"""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        {before}
        with Workers(1, tasks=1) as pool:
            print(len({{pool.submit(os.getppid).result() for _ in range(3)}}))
        print("closed")
        """)
    assert said == "1\nclosed\n"


def run_alone(script: str) -> str:
    """What a program prints that does this and nothing else."""
    imports = (
        "import os, signal, threading\nfrom pathlib import Path\n"
        "from labour import recall, remember, tell_open, tell_parent\n"
        "from aggregator.forkserver import ForkServer, set_aside\nfrom aggregator.workers import Workers\n"
    )
    support = Path(__file__).parent / "support"
    command = [sys.executable, "-c", imports + dedent(script)]
    return subprocess.run(command, cwd=support, capture_output=True, check=False, text=True).stdout


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
