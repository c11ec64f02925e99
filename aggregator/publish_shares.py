"""Outputs that worker processes make and stage, a few shares ahead of what is placed and recorded here.

    tasks ─► workers: read the store, render, stage ─► drafts ─► in the tasks' order: place, record

Workers only read the store, and write only temporaries. What they staged and nobody took is removed.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar, cast

from aggregator.errors import WorkerError
from aggregator.options import Site
from aggregator.publish.files import Output
from aggregator.publish_files import Desk, Draft, PublishReport
from aggregator.store import Store
from aggregator.tasks import get_ready_to_publish
from aggregator.workers import Workers

AHEAD = 3
"""Shares that workers make before the first of them is placed: bounds memory."""


class Share(Protocol):
    """What a worker hands back."""

    @property
    def draft(self) -> Draft:
        """The documents of the share."""


Task = TypeVar("Task")
Made = TypeVar("Made", bound=Share)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker works: the parts of a desk that can be handed to another process."""

    url: str
    directory: Path
    site: Site
    force: bool
    leftovers: frozenset[str]


def in_order(
    desk: Desk,
    workers: Workers,
    tasks: Iterable[Task],
    make: Callable[[Desk, Task], Made],
    here: Callable[[Desk, Task], Made],
    rest: Callable[[Task, Made], Task | None] = lambda _task, _made: None,
) -> Generator[tuple[Task, Made], None, None]:
    """Every task with what was made of it, in their order; what `rest` finds left of one comes soon after.

    `make` is what a worker runs, `here` what is done for a task that is too large for it. The first
    tasks are handed out at once. Raises PublishError.
    """
    shares = _in_order(desk, workers, deque(tasks), make, here, rest)
    next(shares)
    return cast("Generator[tuple[Task, Made], None, None]", shares)


def _in_order(
    desk: Desk,
    workers: Workers,
    tasks: deque[Task],
    make: Callable[[Desk, Task], Made],
    here: Callable[[Desk, Task], Made],
    rest: Callable[[Task, Made], Task | None],
) -> Generator[tuple[Task, Made] | None, None, None]:
    """The same, after a None once the first tasks are handed out."""
    workers.prepare(get_ready_to_publish)
    workers.renew()
    output, lost = desk.output, workers.lost
    output.share()
    place = Place(desk.store.url, output.directory, desk.site, desk.force, output.leftovers)
    ahead: deque[tuple[Task, Future[Made]]] = deque()

    def hand_out() -> None:
        while tasks and len(ahead) < AHEAD:
            task = tasks.popleft()
            ahead.append((task, workers.submit(_made, place, make, task)))

    try:
        hand_out()
        yield None
        while ahead:
            task, future = ahead.popleft()
            try:
                made = future.result()
            except WorkerError:
                made = here(desk, task)
            hand_out()
            yield task, made
            if (left := rest(task, made)) is not None:
                tasks.appendleft(left)
                hand_out()
    finally:
        for _, future in ahead:
            _give_up(output, future)
        if workers.lost != lost:
            output.doubt()


def _give_up(output: Output, future: Future[Made]) -> None:
    """Remove what was staged, or will be."""
    if not future.cancel():
        with suppress(Exception):  # whatever it is, nobody needs it any more
            output.discard(future.result().draft.staged)


def _made(place: Place, make: Callable[[Desk, Task], Made], task: Task) -> Made:
    """In a worker: what there is of a task."""
    output = Output(place.directory, place.leftovers)
    desk = Desk(place.site, (), _opened(place.url), output, PublishReport(), lambda: False, place.force)
    return make(desk, task)


@lru_cache(maxsize=1)
def _opened(url: str) -> Store:
    """The store, opened once in each worker; only read."""
    return Store.open(url)
