"""Run by hand: precision and recall of each rung on the labelled set.

    python tests/corpora/score_pairs.py [THRESHOLD]

Every pair of tests/data/refine/pairs/pairs.jsonl is refined as two sources would bring it, and asked
of the rungs in order: the same canonical link, the same text, nearly the same text (found through a
shared key, then judged). Without a threshold, `similarity.THRESHOLD` counts. Exit status 1 if two
articles are taken for one.
"""

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT))

from labelled import load, score  # noqa: E402 - after the path

from aggregator.refine import similarity  # noqa: E402 - as above


def main(threshold: float) -> int:
    pairs = load()
    for kind, count in sorted(Counter((pair["rung"] or "apart", pair["kind"]) for pair in pairs).items()):
        sys.stdout.write(f"{count:5} {kind[0]:6} {kind[1]}\n")
    sys.stdout.write(
        f"{len(pairs):5} pairs, threshold {threshold}\n\nrung   precision  recall  found  wanted\n"
    )
    scores = score(pairs, threshold)
    for name, one in scores.items():
        sys.stdout.write(f"{name:6} {one.precision:9.3f} {one.recall:7.3f} {one.right:6} {one.wanted:7}\n")
        sys.stdout.writelines(f"       {count} x {kind}\n" for kind, count in one.missed.items())
    return 1 if any(one.wrong for one in scores.values()) else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else similarity.THRESHOLD))
