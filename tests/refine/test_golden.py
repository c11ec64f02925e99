"""Entries as sites write them, before and after: `NAME.in.html` becomes `NAME.out.html`.

The first line of each says what it shows; the last line of the result names the repairs made.
To accept a change: `AGGREGATOR_GOLDEN=write pytest tests/refine/test_golden.py`, then read the diff.
"""

import os
from pathlib import Path

import pytest
from oracle import offences

from aggregator.refine.html import sanitize
from aggregator.refine.repair_tables import NOTES

GOLDEN = Path(__file__).parent.parent / "data" / "refine" / "golden"
CASES = sorted(file.name.removesuffix(".in.html") for file in GOLDEN.glob("*.in.html"))
BASE = "https://site.example/posts/1/"
PROXIES = ("https://cors.zfour.workers.dev/?",)
# Made by other steps, or shown by tests of their own (no base, too large to read).
ELSEWHERE = {
    "address",
    "cut-attributes",
    "cut-depth",
    "cut-size",
    "date-future",
    "excerpt",
    "full-text",
    "language-guessed",
    "text-only",
}


@pytest.mark.parametrize("name", CASES)
def test_before_and_after(name: str) -> None:
    """The body comes out as the file beside it says, is safe, and stays so."""
    before = (GOLDEN / f"{name}.in.html").read_text("utf-8")
    made = sanitize(before, base=BASE, proxies=PROXIES)
    after = f"{made.html}<!-- {' '.join(made.notes)} -->\n"
    file = GOLDEN / f"{name}.out.html"
    if os.environ.get("AGGREGATOR_GOLDEN") == "write":
        file.write_text(after, "utf-8")
    assert after == file.read_text("utf-8")
    assert offences(made.html) == []
    assert sanitize(made.html, base=BASE, proxies=PROXIES).html == made.html


def test_every_repair_is_shown() -> None:
    """Each note that cleaning a body can make has a file that makes it, and a sentence for people."""
    made = {
        note
        for name in CASES
        for note in (GOLDEN / f"{name}.out.html").read_text("utf-8").rpartition("<!-- ")[2].split()[:-1]
    }
    assert made <= set(NOTES)
    assert set(NOTES) - made <= ELSEWHERE
    assert len(CASES) >= 30
