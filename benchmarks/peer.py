"""The peer: `reader` (PyPI) at the same feeds, as a process of its own.

python benchmarks/peer.py DATABASE WORKERS add < addresses     subscribe
python benchmarks/peer.py DATABASE WORKERS start               open only
python benchmarks/peer.py DATABASE WORKERS update              one pass over all
"""

import sys

from reader import make_reader


def main(database: str, workers: int, act: str) -> None:
    """Do one thing."""
    reader = make_reader(database)
    if act == "add":
        for address in sys.stdin.read().split():
            reader.add_feed(address)
    elif act == "start":
        assert reader.get_feed_counts().total
    else:
        # By default it would leave out what it thinks is not due yet.
        reader.update_feeds(scheduled=False, workers=workers)
        counts = reader.get_entry_counts()
        print(counts.total, reader.get_feed_counts().broken)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
