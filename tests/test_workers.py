"""`workers`: what a task may do to its process, and what becomes of the others."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from labour import (
    be_hungry,
    be_stubborn,
    children,
    die_once,
    fail_once,
    refuse_to_pickle,
    remember,
    remembered,
    spin,
)

from aggregator.errors import ParseError, WorkerError
from aggregator.parse.feed import parse
from aggregator.workers import Workers


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(2, wall=20.0, memory=64 * 2**20) as pool:
        yield pool


def test_result(workers: Workers) -> None:
    """A task's result comes back through its future."""
    assert workers.submit(divmod, 17, 5).result() == (3, 2)


def test_many_tasks_keep_their_results(workers: Workers) -> None:
    """Each future gets the result of its own task, whichever process ran it."""
    futures = [workers.submit(pow, number, 2) for number in range(100)]
    assert [future.result() for future in futures] == [number**2 for number in range(100)]


def test_exception(workers: Workers) -> None:
    """An exception of the task comes out of its future with its type and text."""
    with pytest.raises(ParseError, match="the document is empty"):
        workers.submit(parse, b"", url="http://feeds.example/").result()


def test_exception_that_cannot_travel(workers: Workers) -> None:
    """An exception that cannot be pickled arrives as its text."""
    with pytest.raises(WorkerError, match="Awkward: one"):
        workers.submit(refuse_to_pickle).result()


def test_result_that_cannot_travel(workers: Workers) -> None:
    """A result that cannot be pickled fails that task alone."""
    with pytest.raises(TypeError, match="pickle"):
        workers.submit(iter, threading.__dict__).result()
    assert workers.submit(int, "7").result() == 7


def test_nothing_starts_before_it_is_needed() -> None:
    """A pool without a task has no process, one with a single task has one, a closed pool none."""
    before = children()
    with Workers(2) as pool:
        assert children() == before
        pid = pool.submit(os.getpid).result()
        assert pid != os.getpid()
    assert children() == before
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_process_is_kept_warm() -> None:
    """Tasks that follow one another run in the same process."""
    with Workers(1) as pool:
        assert len({pool.submit(os.getpid).result() for _ in range(5)}) == 1


def test_preparation_runs_once_in_each_process() -> None:
    """What is prepared is there for every task."""
    with Workers(1) as pool:
        pool.prepare(remember, "settings")
        assert [pool.submit(remembered).result() for _ in range(2)] == [["settings"], ["settings"]]


def test_preparation_reaches_new_processes() -> None:
    """What is prepared later is there once processes are renewed; the ones that run go on until then."""
    with Workers(1) as pool:
        first = pool.submit(os.getpid).result()
        pool.prepare(remember, "more")
        assert pool.submit(os.getpid).result() == first
        pool.renew()
        assert pool.submit(remembered).result() == ["more"]
        second = pool.submit(os.getpid).result()
        pool.prepare(remember, "more")
        pool.renew()
        assert pool.submit(os.getpid).result() == second != first


def test_server_killed_from_outside() -> None:
    """Without the interpreter that processes are forked from, they work on, and a new one makes the next."""
    with Workers(1, tasks=2) as pool:
        pool.prepare(remember, "settings")
        pool.prepare(remember, "more")
        os.kill(pool.submit(os.getppid).result(), signal.SIGKILL)
        assert pool.submit(int, "3").result() == 3
        assert pool.submit(remembered).result() == ["settings", "more"]


def test_preparation_that_fails() -> None:
    """A process that cannot start says why."""
    with Workers(1) as pool:
        pool.prepare(int, "x")
        with pytest.raises(WorkerError, match="invalid literal"):
            pool.submit(int).result()


def test_preparation_that_fails_once(tmp_path: Path) -> None:
    """What failed is tried again with the next task."""
    with Workers(1) as pool:
        pool.prepare(fail_once, f"{tmp_path}/mark")
        with pytest.raises(WorkerError, match="the first time"):
            pool.submit(int, "3").result()
        assert pool.submit(int, "3").result() == 3


@pytest.mark.parametrize("task", [spin, be_stubborn])
def test_too_slow(task: object) -> None:
    """A task over its time is stopped, even if it ignores signals; the next one runs."""
    assert callable(task)
    with Workers(1, wall=0.3) as pool:
        late, next_one = pool.submit(task), pool.submit(int, "3")
        with pytest.raises(WorkerError, match=r"took longer than 0\.3 s"):
            late.result()
        assert next_one.result() == 3


def test_too_large(workers: Workers) -> None:
    """A task over its memory fails with a clear error; the pool goes on."""
    with pytest.raises(WorkerError, match="more than 64 MiB"):
        workers.submit(be_hungry, 2**30).result()
    assert workers.submit(be_hungry, 2**20).result() == 2**20


def test_killed_from_outside_is_tried_again(tmp_path: object) -> None:
    """A task whose process is killed once runs again in another one."""
    with Workers(1) as pool:
        assert pool.submit(die_once, f"{tmp_path}/mark").result() == "second time"


def test_killed_twice() -> None:
    """A task that kills every process it runs in fails; the pool goes on."""
    with Workers(1) as pool:
        with pytest.raises(WorkerError, match="died, twice"):
            pool.submit(signal.raise_signal, signal.SIGKILL).result()
        assert pool.submit(int, "3").result() == 3


def test_idle_process_killed_from_outside() -> None:
    """A process that is killed while it waits is replaced at the next task."""
    with Workers(1) as pool:
        first = pool.submit(os.getpid).result()
        os.kill(first, signal.SIGKILL)
        assert pool.submit(os.getpid).result() != first


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop(number: signal.Signals) -> None:
    """A signal to the whole group of processes ends the program's way, not a worker's task."""
    with Workers(1) as pool:
        pid = pool.submit(os.getpid).result()
        os.kill(pid, number)
        assert pool.submit(os.getpid).result() == pid


def test_process_is_replaced_after_its_tasks() -> None:
    """A process that has done its number of tasks makes place for a new one."""
    with Workers(1, tasks=2) as pool:
        pids = [pool.submit(os.getpid).result() for _ in range(5)]
    assert [len(set(pids[:2])), len(set(pids[2:4])), len(set(pids))] == [1, 1, 3]


def test_leaving_by_an_exception_cancels() -> None:
    """When the block is left by an exception, tasks that have not begun are cancelled."""
    queued: list[Future[None]] = []
    with pytest.raises(ValueError, match="for a reason"), Workers(1) as pool:
        _queue_and_fail(pool, queued)
    assert queued[-1].cancelled()


def _queue_and_fail(pool: Workers, queued: list[Future[None]]) -> None:
    queued += [pool.submit(time.sleep, 0.2) for _ in range(20)]
    raise ValueError("for a reason")


def test_what_is_given_up_is_not_waited_for() -> None:
    """A pool that is closed with a task in hand ends its process; the task fails, as later ones do."""
    begun = time.monotonic()
    with Workers(1) as pool:
        pid = pool.submit(os.getpid).result()
        endless, queued = pool.submit(spin), pool.submit(int)
        while not endless.running():
            time.sleep(0.001)
        pool.close(cancel=True)
        assert time.monotonic() - begun < 10
        with pytest.raises(WorkerError, match="given up"):
            endless.result()
        with pytest.raises(WorkerError, match="given up"):
            pool.submit(int)
    assert queued.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_is_killed_once() -> None:
    """A process that died is not killed again: somebody else may have its id by then."""
    with Workers(1, tasks=1) as pool:
        server = pool.submit(os.getppid).result()
        with pytest.raises(WorkerError, match="died, twice"):
            pool.submit(signal.raise_signal, signal.SIGKILL).result()
        # The interpreter that processes are forked from would have died of a process that is gone.
        assert pool.submit(os.getppid).result() == server


def test_from_many_threads(workers: Workers) -> None:
    """The pool may be used from several threads at once."""
    results: list[int] = []
    threads = [
        threading.Thread(target=lambda: results.append(workers.submit(int, "1").result())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1] * 8


def test_orphan_ends_itself() -> None:
    """A process whose program was killed ends when its task does."""
    script = (
        "import os, time\nfrom aggregator.workers import Workers\npool = Workers(1)\n"
        "print(pool.submit(os.getpid).result(), flush=True)\nos._exit(9)"
    )
    with os.popen(
        f"{sys.executable} -c '{script}'"
    ) as program:  # the shell's status says 9; only the id matters
        pid = int(program.read())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_text("ascii").split()[2] == "Z":
            return
    pytest.fail("the worker is still there")
