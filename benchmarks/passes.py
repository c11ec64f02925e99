"""A process of many passes, as the daemon runs them: one for each line read; prints its MiB after each."""

import sys
from pathlib import Path

from aggregator import pipeline
from aggregator.config import load
from aggregator.store import Store


def resident() -> float:
    """MiB of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def main() -> None:
    """Run passes until the input ends."""
    settings = load(None)
    plan = pipeline.Plan(everything=True)
    with Store.open(settings.storage_url) as store, pipeline.tools() as tools:
        for _ in sys.stdin:
            report = pipeline.run_pass(settings, store, plan, tools)
            assert not report.failed, report
            print(resident(), flush=True)


if __name__ == "__main__":
    main()
