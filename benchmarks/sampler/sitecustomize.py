"""Samples every Python process that starts with this folder on its path: CPU time, by what used it.

    SAMPLES=folder PYTHONPATH=benchmarks/sampler python ...

Each process has a thread that looks up now and then how much CPU time each other thread used since, and
books it on where that thread is now: so C code counts for who called it, and waiting for nobody. What is
booked is written to `SAMPLES` every tenth of a second, as many processes end by being killed.
"""

import json
import os
import sys
import threading
import time
from collections import defaultdict
from types import FrameType

PAUSE = 0.004
FLUSH = 0.1


def place(frame: FrameType | None) -> str:
    """The innermost function of ours, or that something is imported; empty if it is neither."""
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if file.startswith("<frozen importlib"):
            return "import"
        if "aggregator/" in file and name != "<module>":
            return f"{file.rpartition('aggregator/')[2]}:{name}"
        frame = frame.f_back
    return ""


def used(thread: int) -> float:
    """Seconds of CPU that a thread has used, by its number in the system."""
    with open(f"/proc/self/task/{thread}/schedstat", "rb") as file:  # noqa: PTH123 - as quick as can be
        return int(file.read().split()[0]) / 1e9


def look(before: dict[int, float], booked: dict[str, float]) -> None:
    """Book what each thread used since the last look."""
    frames = sys._current_frames()  # noqa: SLF001 - there is no other way
    for thread in threading.enumerate():
        # In a process that was forked, the main thread still has the number of another.
        number = os.getpid() if thread is threading.main_thread() else thread.native_id or 0
        try:
            now = used(number)
        except OSError:  # it is ending
            continue
        booked[place(frames.get(thread.ident or 0))] += now - before.get(number, 0.0)
        before[number] = now


def sample() -> None:
    """The life of the thread that samples."""
    before: dict[int, float] = {}
    booked: defaultdict[str, float] = defaultdict(float)
    flushed = time.monotonic()
    while True:
        time.sleep(PAUSE)
        look(before, booked)
        if time.monotonic() - flushed > FLUSH:
            flushed = time.monotonic()
            with open(f"{os.environ['SAMPLES']}/{os.getpid()}", "a") as file:  # noqa: PTH123 - no import
                file.write(json.dumps({key: value for key, value in booked.items() if value}) + "\n")
            booked.clear()


def start() -> None:
    """Sample this process, and what is forked from it."""
    threading.Thread(target=sample, name="sampler", daemon=True).start()


if "SAMPLES" in os.environ:
    os.register_at_fork(after_in_child=start)
    start()
