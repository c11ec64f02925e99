"""What the identity ladder costs per incoming article, and how that grows with the store.

    python benchmarks/identity.py [STORED ...]        default: 1000 10000 100000

A store in a temporary folder is filled with STORED distinct articles of some 4 kB. Then sources
that were not there before bring 1,000 entries, 50 at a time, a fifth of each kind: unknown ones,
known links, known texts, nearly known texts, and new ones under a title that is known in the
source. Prints, for each size: milliseconds of CPU an entry (recording included), the
same for entries that are recorded again unchanged, and the bytes of the database an article.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.model import Refined, SourceState
from aggregator.options import Policy, Source
from aggregator.refine import identity, similarity
from aggregator.store import Store

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SIZES = (1_000, 10_000, 100_000)
INCOMING = 1_000
A_DOCUMENT = 50
A_TRANSACTION = 500
SENTENCES = 40
KINDS = ("unknown", "link", "text", "near", "title")
WORDS = tuple(f"{first}{second}{third}" for first in "bdfgk" for second in "aeiou" for third in "lmnrst")

CLAUSES = tuple(" ".join(random.Random(n).choices(WORDS, k=22)) for n in range(500))


def text(number: int, changed: int = 0) -> str:
    """Some 4 kB of text that only this number has, with so many sentences `changed`."""
    chance = random.Random(f"text {number}")
    sentences = [f"{chance.choice(CLAUSES)} {chance.getrandbits(48):012x}." for _ in range(SENTENCES)]
    sentences[:changed] = [f"Changed {number} {chance.choice(CLAUSES)}." for _ in range(changed)]
    return f"<p>{' '.join(sentences)}</p>"


def entry(name: str, title: str, link: str, body: str, age: timedelta) -> Refined:
    """An entry as refining would give it."""
    writing = similarity.writing(title, body)
    exact = identity.exact_hash(title, NOW - age, body)
    return Refined(
        key=f"g:{name}",
        uid=identity.digest(link)[:32],
        guid=name,
        link=link,
        canonical_link=link,
        title=title,
        published=NOW - age,
        body=body,
        fingerprint=similarity.fingerprint(writing),
        text_hash=identity.text_hash(title, body, link),
        exact_hash=exact,
        bands=similarity.bands(writing),
    )


def stored(number: int, size: int) -> Refined:
    """One of `size` articles of the last 30 days."""
    age = timedelta(days=30) * (number / size)
    return entry(f"s{number}", title(number), f"https://stored.example/{number}", text(number), age)


def title(number: int) -> str:
    """Most have a title of their own; one in 50 is that of a column which comes again and again."""
    return f"Story {WORDS[number % 100]} {number}" if number // 20 % 50 else "Daily news"


def incoming(number: int, size: int) -> Refined:
    """An entry of the kind that its number says; what it repeats is a few hours old."""
    kind = KINDS[number % len(KINDS)]
    known = number % size
    name, link = f"i{number}", f"https://incoming.example/{number}"
    age = timedelta(hours=1)
    if kind == "link":
        return entry(name, "Another title", f"https://stored.example/{known}", text(-number - 1), age)
    if kind == "text":
        return entry(name, title(known), link, text(known), age)
    if kind == "near":
        return entry(name, "A changed lead", link, text(known, changed=8), age)
    own = "The same title" if kind == "title" else f"Title {number}"
    return entry(name, own, link, text(-number - 1), age)


def fill(store: Store, size: int) -> None:
    """Store `size` articles of 20 sources."""
    sources = [
        Source(name=f"S{n}", kind="feed", categories=("news", f"S{n}"), url=f"https://s{n}.example/")
        for n in range(20)
    ]
    store.reconcile(sources, NOW)
    for begin in range(0, size, A_TRANSACTION):
        with store.together():
            for at, source in enumerate(sources):
                numbers = range(begin + at, min(begin + A_TRANSACTION, size), len(sources))
                store.record(source, [stored(number, size) for number in numbers], SourceState(), NOW)


def documents(size: int) -> Iterator[tuple[Source, list[Refined]]]:
    """What new sources bring."""
    for begin in range(0, INCOMING, A_DOCUMENT):
        name = f"I{begin}"
        source = Source(name=name, kind="feed", categories=("new", name), url=f"https://{name}.example/")
        yield source, [incoming(number, size) for number in range(begin, begin + A_DOCUMENT)]


def measure(size: int, folder: Path) -> str:
    """A line of figures for a store of this size."""
    file = folder / f"{size}.db"
    with Store.open(f"sqlite:///{file}", Policy(flood_limit=None)) as store:
        fill(store, size)
        store.upkeep()
        bytes_each = file.stat().st_size / size
        brought = list(documents(size))
        store.reconcile([source for source, _ in brought], NOW)
        seconds, found = [], [0, 0]
        for _ in range(2):
            begin = time.process_time()
            for source, entries in brought:
                counts = store.record(source, entries, SourceState(), NOW)
                found = [found[0] + counts.new, found[1] + counts.duplicate]
            seconds.append(time.process_time() - begin)
    first, again = (each * 1000 / INCOMING for each in seconds)
    return f"{size:>9,}  {first:10.3f}  {again:10.4f}  {found[0]:>5}  {found[1]:>9}  {bytes_each:>13,.0f}"


def main() -> None:
    """Print the table."""
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    print("   stored  ms/incoming  ms/unchanged    new  duplicate  bytes/article")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            print(measure(size, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
