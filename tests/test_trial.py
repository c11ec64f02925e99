"""`check --fetch`: each source is tried once."""

from pathlib import Path

from loopback import Reply, Server
from world import World, source

from aggregator.collect.allowance import LARGE_BODIES, LARGE_BYTES
from aggregator.trial import try_sources

FEED = (
    b"<rss version='2.0'><channel><title>T</title><item><title>A</title><guid>a</guid></item></channel></rss>"
)


def test_any_number_of_large_feeds_can_be_tried(tmp_path: Path) -> None:
    """A few are in memory at a time; a thread that has no more to do keeps no place of theirs."""
    names = [f"F{number}" for number in range(LARGE_BODIES + 3)]
    with Server({"*": Reply(FEED + b" " * LARGE_BYTES)}) as server:
        tables = (source(name, server.url(f"/{name}")) + 'timeout = "4s"\n' for name in names)
        world = World(tmp_path, "".join(tables))
        trials = try_sources(world.settings, world.clock)
    assert [(trial.source, trial.entries, trial.problems) for trial in trials] == [
        (name, 1, ()) for name in names
    ]
