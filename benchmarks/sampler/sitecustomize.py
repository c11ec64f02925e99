"""Samples every Python process that starts with this folder on its path: CPU time, by what used it.

    SAMPLES=folder PYTHONPATH=benchmarks/sampler python ...

Whenever a process has used some more CPU time, it looks up how much of it each of its threads used, and books
that on the function where the thread is: so C code counts for who called it, and waiting for nobody. What is
booked is written to `SAMPLES` ten times a second, as many processes end by being killed.
"""

import atexit
import json
import os
import signal
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


class Sampler:
    """What was booked in this process and is not written yet."""

    def __init__(self) -> None:
        self._before: dict[int, float] = {}
        self._booked: defaultdict[str, float] = defaultdict(float)
        self._flushed = time.monotonic()
        signal.signal(signal.SIGPROF, lambda _number, frame: self.look(frame))
        signal.setitimer(signal.ITIMER_PROF, PAUSE, PAUSE)
        atexit.register(signal.setitimer, signal.ITIMER_PROF, 0)  # after the end nobody handles it

    def look(self, interrupted: FrameType | None) -> None:
        """Book what each thread used since the last look; the main thread was in the `interrupted` frame."""
        frames = sys._current_frames()  # noqa: SLF001 - there is no other way
        for thread in threading.enumerate():
            # In a process that was forked, the main thread still has the number of another.
            main = thread is threading.main_thread()
            number = os.getpid() if main else thread.native_id or 0
            try:
                now = used(number)
            except OSError:  # it is ending
                continue
            frame = interrupted if main else frames.get(thread.ident or 0)
            self._booked[place(frame)] += now - self._before.get(number, 0.0)
            self._before[number] = now
        if time.monotonic() - self._flushed > FLUSH:
            self._flushed = time.monotonic()
            with open(f"{os.environ['SAMPLES']}/{os.getpid()}", "a") as file:  # noqa: PTH123 - no import
                file.write(json.dumps({key: value for key, value in self._booked.items() if value}) + "\n")
            self._booked.clear()


if "SAMPLES" in os.environ:
    os.register_at_fork(after_in_child=Sampler)
    Sampler()
