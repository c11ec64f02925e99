"""Measures the workloads and writes the table `benchmarks/results.md`.

    python benchmarks/bench.py [--feeds 500] [--runs 3] [--many 5000] [--only W1,W5,W6,W7,many]

The seconds are one machine's. What counts is the ratio to the peer, measured in the same run, beyond
start-up: a pass with nothing due is subtracted from ours, opening the database from the peer's.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import workloads
from rig import CATEGORY_PATHS, HERE, Cost, FeedServer, serving

BUDGET = 330.0
"""Seconds after which W1 to W4 are not begun anew, so that all fits into ten minutes."""
MEANING = {
    "W1": "cold: everything is new",
    "floor": "W1 by the libraries alone, without identity, repairs, feeds and pages",
    "W2": "nothing new, 304",
    "W3": "nothing new, the same bytes, no validators",
    "W4": "one new entry in each feed",
    "W5 cold": "seed directory, everything is new",
    "W5 unchanged": "the same again",
    "W6 from scratch": "publish into an empty folder",
    "W6 one new article": "a pass over one source that brings one",
    "server alone": "what the feed server takes for all documents",
    "start": "a pass with nothing due; the peer: open the database",
}
TARGETS = {"W1": (4.5, 4), "W2": (0.4, 2), "W3": (0.8, 20), "W4": (2.0, 8)}


def main() -> None:
    """Measure what was asked for and write the table."""
    options = arguments()
    root = Path(tempfile.mkdtemp(prefix="aggregator-bench-", dir=options.folder))
    bench, many = workloads.Bench(root, options.feeds), workloads.Bench(root, options.many)
    sizes: tuple[float, float] | None = None
    try:
        with serving(options.feeds) as server:
            workloads.server_alone(bench, server)
            if "W1" in options.only:
                repeat(bench, server, options.runs)
            if "W6" in options.only:
                workloads.publishing(bench, server)
        if "W5" in options.only:
            workloads.seeds(bench, options.seeds)
        if "W7" in options.only:
            sizes = workloads.memory(bench, options.passes)
        if "many" in options.only:
            with serving(options.many) as server:
                workloads.feeds(many, server)
        text = report(bench, many, options, sizes)
        print(text)
        options.out.write_text(text)
    finally:
        shutil.rmtree(root)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--many", type=int, default=5000, help="feeds of a second series of W1 to W4, ours alone"
    )
    parser.add_argument("--seeds", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=1000)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["W1", "W5", "W6", "W7", "many"])
    parser.add_argument("--folder", help="where to work; default: the folder for temporary files")
    parser.add_argument("--out", type=Path, default=HERE / "results.md")
    return parser.parse_args()


def repeat(bench: workloads.Bench, server: FeedServer, runs: int) -> None:
    """W1 to W4 of ours and of the peer in turn, so that both meet the same machine."""
    begun = time.monotonic()
    for number in range(runs):
        if number and time.monotonic() - begun > BUDGET:
            break
        workloads.feeds(bench, server)
        workloads.floor(bench, server)
        if version("reader"):
            workloads.peer_feeds(bench, server)


def version(name: str) -> str | None:
    """The version of a package, or None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


# --- the table ----------------------------------------------------------------------------


def report(
    bench: workloads.Bench,
    many: workloads.Bench,
    options: argparse.Namespace,
    sizes: tuple[float, float] | None,
) -> str:
    """Everything measured, as Markdown."""
    runs = len(bench.ours.get("W2", ())) or 1
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()} on {machine()}.",
        f"{options.feeds} feeds of 20 entries, {CATEGORY_PATHS} category paths, 50 entries a feed.",
        f"Medians of {runs} runs (least to most); seconds beyond start-up.",
        "",
        *table(bench),
    ]
    if sizes:
        lines += [
            "",
            f"W7, memory of {options.passes} passes over {workloads.CHANGING} feeds that change each time: ",
        ]
        lines[-1] += f"{sizes[0]:.0f} MiB after a fifth of them, {sizes[1]:.0f} MiB at the end."
    if many.ours:
        lines += ["", f"{options.many} feeds, one run:", "", *table(many)]
    return "\n".join(lines) + "\n"


def table(bench: workloads.Bench) -> list[str]:
    """A line for each workload that was measured."""
    peer = f"reader {version('reader') or '(not installed)'}"
    heads = ("work", "ours, wall", "CPU", "MiB", f"{peer}, wall", "CPU", "faster by wall", "by CPU", "target")
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    return lines + [row(bench, name) for name in MEANING if name in bench.ours]


def row(bench: workloads.Bench, name: str) -> str:
    """One workload's line."""
    starts = not name.startswith(("start", "server", "floor"))
    ours = beyond(bench.ours[name], bench.ours.get("start") if starts else None)
    cells = [
        f"{name}, {MEANING[name]}",
        spread([cost.wall for cost in ours]),
        spread([cost.cpu for cost in ours]),
    ]
    cells.append(f"{max(cost.memory for cost in ours):.0f}" if ours[0].memory else "")
    theirs = beyond(bench.peer.get(name, []), bench.peer.get("start") if starts else None)
    if theirs:
        cells += [spread([cost.wall for cost in theirs]), spread([cost.cpu for cost in theirs])]
        cells.append(f"{middle(theirs).wall / middle(ours).wall:.1f} x")
        cells.append(f"{middle(theirs).cpu / middle(ours).cpu:.1f} x")
    else:
        cells += [""] * 4
    target = TARGETS.get(name) if bench.feeds == 500 else None
    cells.append(f"{target[0]} s, {target[1]} x" if target else "")
    return "| " + " | ".join(cells) + " |"


def beyond(costs: list[Cost], start: list[Cost] | None) -> list[Cost]:
    """The costs less the median start-up; at least a hundredth of a second is left."""
    if not start:
        return costs
    base = middle(start)
    return [
        Cost(max(cost.wall - base.wall, 0.01), max(cost.cpu - base.cpu, 0.01), cost.memory) for cost in costs
    ]


def middle(costs: list[Cost]) -> Cost:
    """Medians, each of its own."""
    return Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))


def spread(values: list[float]) -> str:
    """The median, and least and most if there are several."""
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def machine() -> str:
    """The processors, as far as the system tells."""
    found = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip() for line in found.read_text().splitlines() if "model name" in line
    ]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}, Linux {platform.release()}"


if __name__ == "__main__":
    main()
