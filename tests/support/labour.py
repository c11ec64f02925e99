"""Tasks for worker processes, which must be importable by name; and whether there are such processes."""

import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

_memory: list[str] = []


def children() -> set[str]:
    """The ids of the processes that this one has started and that are running."""
    found: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended by now
            found.update((thread / "children").read_text("ascii").split())
    return found


def spin() -> None:
    while True:
        pass


def be_stubborn() -> None:
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    spin()


def be_hungry(size: int) -> int:
    return len(bytes(size))


def die_once(mark: str) -> str:
    if Path(mark).exists():
        return "second time"
    Path(mark).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def fail_once(mark: str) -> None:
    if not Path(mark).exists():
        Path(mark).touch()
        raise RuntimeError("the first time")


def remember(word: str) -> None:
    _memory.append(word)


def remembered() -> list[str]:
    return _memory


def recall(pipe: Connection) -> None:
    pipe.send(_memory)


def tell_open(pipe: Connection) -> None:
    found = (Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    pipe.send([str(one.readlink()) for one in found if one.is_symlink()])


def tell_parent(pipe: Connection) -> None:
    pipe.send(os.getppid())


class Awkward(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def refuse_to_pickle() -> None:
    raise Awkward("one", "two")
