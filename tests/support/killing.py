"""Kills passes at random moments, each in a process forked from a warm parent.

    python killing.py FOLDER ROUNDS SEED [shared]

FOLDER is an installation whose sources are served by somebody else. With `shared` the outputs are made by
worker processes, which for so few feeds they are not otherwise. Each round forks a pass, kills it
with SIGKILL after a random while (at most what an undisturbed pass takes), then runs a pass to its
end in another fork. The parent imports everything and starts no thread, so a fork costs milliseconds.
"""

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator import config, pipeline, publish_nodes, publish_posts
from aggregator.store import Store


def one_pass(folder: Path, moment: datetime) -> None:
    settings = config.load(folder / "feeds.toml")
    with Store.open(settings.storage_url, settings.policy) as store, pipeline.tools(lambda: moment) as tools:
        pipeline.run_pass(settings, store, pipeline.Plan(everything=True), tools)


def forked(folder: Path, moment: datetime) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            one_pass(folder, moment)
            status = 0
        finally:
            os._exit(status)
    return child


def main(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    moment = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
    longest = 0.0
    for number in range(rounds):
        moment += timedelta(hours=2)
        (folder / "round").write_text(str(number), "ascii")
        if longest:
            child = forked(folder, moment)
            time.sleep(chance.uniform(0, longest))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        begun = time.monotonic()
        child = forked(folder, moment)
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"round {number}: the pass after the kill did not complete")
        longest = max(longest, time.monotonic() - begun)


def share_everything() -> None:
    """Workers make the least of outputs, a few at a time."""
    publish_nodes.MANY = 1  # type: ignore[attr-defined]  # the name that it looks up
    publish_posts.MANY_POSTS = 1
    publish_nodes.SHARES.update(source=2, category=2)
    publish_posts.SHARE = 2


if __name__ == "__main__":
    if "shared" in sys.argv:
        share_everything()
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
