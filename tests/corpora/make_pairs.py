"""Run by hand: writes the labelled set anew, after its stories or templates changed.

python tests/corpora/make_pairs.py
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from pairmaker import FOLDER, written  # noqa: E402 - after the path

if __name__ == "__main__":
    (FOLDER / "pairs.jsonl").write_text(written(), "utf-8")
