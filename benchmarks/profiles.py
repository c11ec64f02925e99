"""Where the CPU time of each workload goes, by room and by function, over all processes and threads.

    python benchmarks/profiles.py [--feeds 500] [--functions 8] [--code OTHER_TREE]

Whole passes, sampled (see `sampler/sitecustomize.py`), which costs them about a tenth. With another tree of
this project, the same of its code. What the workloads are is said in README.md.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import rig
import workloads

ROOMS = {
    "": "interpreter: threads, start, end",
    "import": "importing",
    "collect": "collect: fetching",
    "parse": "parse",
    "refine": "refine",
    "store": "store, SQLAlchemy, SQLite",
    "publish": "publish: rendering, files",
}
"""What is called how; the modules beside the rooms are one more."""
ORDER = "the pass: handing over, order of the rooms"


def room(place: str) -> str:
    """The row of the table that a place counts for."""
    first = place.partition("/")[0] if "/" in place else place
    if first.startswith("publish_"):
        return ROOMS["publish"]
    return ROOMS.get(first, ORDER)


def sampled(folder: Path, *arguments: str) -> tuple[rig.Cost, Counter[str]]:
    """A run of the program, and what used its CPU time."""
    with tempfile.TemporaryDirectory() as samples:
        os.environ["SAMPLES"] = samples
        cost = rig.run_program(folder, *arguments)
        del os.environ["SAMPLES"]
        booked: Counter[str] = Counter()
        for file in Path(samples).iterdir():
            for line in file.read_text().splitlines():
                booked.update(json.loads(line))
    return cost, booked


def passes(root: Path, feeds: int) -> dict[str, tuple[rig.Cost, Counter[str]]]:
    """The workloads, sampled."""
    found = {}
    with rig.serving(feeds) as server:
        folder = root / "feeds"
        for name, arguments, _ in workloads.feed_passes(folder, server, feeds):
            found[name] = sampled(folder, *arguments)
        (folder / "outputs").rename(folder / "before")
        found["W6"] = sampled(folder, "publish")
    folder = root / "seeds"
    workloads.write_seeds(folder, feeds * 20)
    found["W5"] = sampled(folder, "run")
    return dict(sorted(found.items()))


def table(found: dict[str, tuple[rig.Cost, Counter[str]]]) -> str:
    """Seconds of CPU by room and workload."""
    names = list(found)
    rows = {row: Counter[str]() for row in (*ROOMS.values(), ORDER)}
    for name, (_, booked) in found.items():
        for place, seconds in booked.items():
            rows[room(place)][name] += seconds
    lines = [["seconds of CPU", *names], *([row, *_seconds(cells, names)] for row, cells in rows.items())]
    lines.insert(1, ["---"] * len(lines[0]))
    lines.append(["all, as the system counts it", *(f"{found[name][0].cpu:.2f}" for name in names)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _seconds(cells: Counter[str], names: Iterable[str]) -> list[str]:
    return [f"{cells[name]:.2f}" for name in names]


def functions(booked: Counter[str], most: int) -> str:
    """The functions of ours that used most, with what they call of other projects."""
    lines = (f"    {seconds:6.2f}  {place}" for place, seconds in booked.most_common() if ":" in place)
    return "\n".join(line for line, _ in zip(lines, range(most), strict=False))


def main() -> None:
    """Print the table, and the first functions of each workload."""
    parser = argparse.ArgumentParser(description="Where the CPU time of each workload goes.")
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--functions", type=int, default=8, metavar="N", help="show so many of each workload")
    parser.add_argument("--folder", type=Path, help="work here; default: where temporary files go")
    parser.add_argument("--code", type=Path, help="another tree of this project")
    options = parser.parse_args()
    path = [options.code.resolve()] if options.code else []
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, [Path(__file__).parent / "sampler", *path]))
    with tempfile.TemporaryDirectory(dir=options.folder) as root:
        found = passes(Path(root), options.feeds)
    print(table(found))
    for name, (_, booked) in found.items():
        print(f"\n{name}\n{functions(booked, options.functions)}")


if __name__ == "__main__":
    main()
