"""How a pass, a publish and a start grow with the number of stored articles.

    python benchmarks/growth.py [--sizes 1000,10000,100000] [--folder FOLDER] [--runs 3]

One store grows in steps. Its mass are articles of 200 sources that are never asked, with bodies of some
300 bytes and dates spread evenly over five years, recorded as a pass would record them. Beside them, under
the same 55 category paths, are 101 feeds of 20 entries of 2 to 6 KB, which the loopback server serves. At
each size, as whole processes: publish what the step brought; then nothing; a pass with nothing due (start);
a pass over 50 feeds that answer 304 (W2), that send the same bytes (W3), that bring one entry each (W4);
and one over a single feed that brings one (W6). The least of the runs counts; start-up is in all figures.
"""

import argparse
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from bench import machine
from feeds import WORDS
from identity import NOW, entry
from rig import CATEGORY_PATHS, Cost, FeedServer, run_program, serving, write_settings

from aggregator.config import load
from aggregator.model import Refined, SourceState
from aggregator.options import Source
from aggregator.store import Store

ASKED = range(50)
SINGLE = 50
PLAIN = range(51, 101)
MASS = range(101, 301)
"""The numbers of the feeds that W2 and W4 ask, W6, and W3; and of those that are never asked."""
SIZES = [1_000, 10_000, 100_000]
YEARS = timedelta(days=5 * 365)
GOLDEN = 0.6180339887
"""The fractions of its multiples are spread evenly, however many there are."""
A_RECORD = 500
A_COMMIT = 10
STEPS = {
    "publish": "publish the step",
    "idle": "publish nothing",
    "start": "nothing due",
    "W2": "W2: 304",
    "W3": "W3: same bytes",
    "W4": "W4: one new each",
    "W6": "W6: one new article",
}


@dataclass(slots=True)
class Row:
    """What was measured at one size: seconds to record, bytes on disk, costs by step."""

    articles: int
    fill: float
    database: int = 0
    outputs: int = 0
    files: int = 0
    least: dict[str, Cost] = field(default_factory=dict)

    def note(self, name: str, cost: Cost) -> None:
        """Keep what was quickest."""
        told = f"{STEPS[name]:20} {cost.wall:7.2f} s wall {cost.cpu:7.2f} s CPU {cost.memory:6.0f} MiB"
        print(f"  {self.articles:>9,} {told}", flush=True)
        before = self.least.get(name, cost)
        self.least[name] = Cost(
            min(cost.wall, before.wall), min(cost.cpu, before.cpu), max(cost.memory, before.memory)
        )


def main() -> None:
    """Grow a store and print the table after each step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=lambda text: [int(part) for part in text.split(",")], default=SIZES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", help="where to work; default: the folder for temporary files")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="aggregator-growth-", dir=options.folder))
    rows: list[Row] = []
    try:
        with serving(MASS.start, 1 + options.runs * len(options.sizes)) as server:
            write_settings(root, [server.url(number) for number in range(MASS.stop)])
            ask(root, [*ASKED, SINGLE, *PLAIN])
            for size in options.sizes:
                rows.append(grow(root, rows[-1].articles if rows else 0, size))
                measure(root, rows[-1], server, options.runs)
                print(table(rows), flush=True)
    finally:
        shutil.rmtree(root)


def ask(root: Path, feeds: Sequence[int]) -> Cost:
    """A pass over these feeds."""
    return run_program(root, "run", *(word for number in feeds for word in ("--source", f"Feed {number}")))


# --- the mass ----------------------------------------------------------------------------


def grow(root: Path, before: int, size: int) -> Row:
    """Record articles until there are so many.

    In a process of its own: the memory of this one would count as that of all that it starts.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        row = Row(size, pool.submit(fill, root, before, size).result())
    print(f"  {size:>9,} {'recorded':20} {row.fill:7.2f} s wall", flush=True)
    return row


def fill(root: Path, before: int, size: int) -> float:
    """The same; returns the seconds it took."""
    begun = time.perf_counter()
    settings = load(root / "feeds.toml")
    with Store.open(settings.storage_url, settings.policy) as store:
        records = recorded([settings.sources[number] for number in MASS], before, size)
        while some := list(islice(records, A_COMMIT)):
            with store.together():
                for source, entries in some:
                    later = datetime.now(UTC) + timedelta(days=365)
                    state = SourceState(url=source.url, last_attempt=NOW, next_due=later)
                    store.record(source, entries, state, NOW)
    return time.perf_counter() - begun


def recorded(sources: Sequence[Source], before: int, size: int) -> Iterator[tuple[Source, list[Refined]]]:
    """What each source brings while the mass grows from one size to the other."""
    for place, source in enumerate(sources):
        numbers = iter(range(before // len(sources), size // len(sources)))
        while some := list(islice(numbers, A_RECORD)):
            yield source, [article(place, number) for number in some]


def article(place: int, number: int) -> Refined:
    """One article of the source at that place; the same numbers always give the same."""
    words = " ".join(random.Random(f"{place} {number}").choices(WORDS, k=50))
    link = f"https://mass{place}.example/{number}"
    age = YEARS * ((number * GOLDEN + place / len(MASS)) % 1.0)
    return entry(link, f"Article {number} of source {place}", link, f"<p>{words} {number}</p>", age)


# --- measuring ---------------------------------------------------------------------------


def measure(root: Path, row: Row, server: FeedServer, runs: int) -> None:
    """Every step, at the size that the store has now."""
    row.note("publish", run_program(root, "publish"))
    ask(root, PLAIN)  # they changed since they were asked
    for _ in range(runs):
        row.note("idle", run_program(root, "publish"))
        row.note("start", run_program(root, "run"))
        row.note("W2", ask(root, ASKED))
        server.show(server.version, validators=False)
        row.note("W3", ask(root, PLAIN))
        server.show(server.version)
    for _ in range(runs):
        server.show(server.version + 1)
        row.note("W6", ask(root, [SINGLE]))
        row.note("W4", ask(root, ASKED))
    row.database = sum(file.stat().st_size for file in (root / "storage").iterdir())
    sizes = [
        os.stat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH116, PTH118 - Path costs more, for millions
        for folder, _, names in os.walk(root / "outputs")
        for name in names
    ]
    row.outputs, row.files = sum(sizes), len(sizes)


def table(rows: Sequence[Row]) -> str:
    """Everything measured, as Markdown: a column a size."""
    facts = {
        "": [f"{row.articles:,} articles" for row in rows],
        "---": ["---" for _ in rows],
        "database, MB": [f"{row.database / 1e6:,.0f}" for row in rows],
        "outputs, MB": [f"{row.outputs / 1e6:,.0f}" for row in rows],
        "files in them": [f"{row.files:,}" for row in rows],
        "record the step, s": [f"{row.fill:,.1f}" for row in rows],
    }
    for name, meaning in STEPS.items():
        costs = [row.least[name] for row in rows]
        facts[meaning] = [f"{cost.wall:,.2f} ({cost.cpu:,.2f}), {cost.memory:.0f}" for cost in costs]
    told = (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}; {CATEGORY_PATHS} category paths. Of a step: "
    )
    told += "seconds of wall (of CPU) of the whole process, start-up included, and MiB of the largest.\n\n"
    return told + "".join(f"| {' | '.join([fact, *values])} |\n" for fact, values in facts.items())


if __name__ == "__main__":
    main()
