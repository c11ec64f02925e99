"""How long publishing takes: articles in 100 categories from scratch, then after one new article.

    python benchmarks/publish.py [ARTICLES ...]     default: 1000 10000 100000

The store is a fresh SQLite database in a temporary folder; the outputs lie beside it. Prints
seconds of wall and CPU for each step, and what was written. One article more must cost the same
however many there are.
"""

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.config import Settings
from aggregator.model import Refined, SourceState
from aggregator.options import Site, Source
from aggregator.publish_files import PublishReport
from aggregator.publishing import publish
from aggregator.store import Store

NOW = datetime(2022, 9, 13, tzinfo=UTC)
CATEGORIES = 100
AGAIN = 10_000
"""More articles are not published twice."""
PARAGRAPH = (
    "<p>Words of an article, 半岛电视台中文网 and <a href='https://example.net/'>a link</a> &amp; more. </p>"
)


def entry(source: int, number: int) -> Refined:
    """A distinct entry of some 4 kB."""
    link = f"https://example{source}.net/{number}"
    digest = hashlib.sha256(link.encode()).hexdigest()
    return Refined(
        key=f"g:{link}",
        uid=digest[:32],
        guid=link,
        link=link,
        canonical_link=link,
        title=f"Title {number} of {source}",
        authors=("Ann Author",),
        published=NOW - timedelta(minutes=number * 100 + source),
        body=f"<p>{digest}</p>" + PARAGRAPH * 30,
        fingerprint=digest,
        text_hash=digest,
        exact_hash=digest,
    )


def sources(categories: int) -> tuple[Source, ...]:
    """A source for each category; ten categories to a group."""
    return tuple(
        Source(
            name=f"Source {number}",
            kind="feed",
            categories=(f"Group {number // 10}", f"分类 {number}"),
            url=f"https://example{number}.net/feed",
        )
        for number in range(categories)
    )


def timed(name: str, act: Callable[[], PublishReport | None]) -> None:
    """Do one step and print what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    report = act()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    told = f"  {report.posts} posts, {report.feeds} feeds, {report.pages} pages" if report else ""
    print(f"{name:26} {wall:7.2f} s wall {cpu:7.2f} s CPU{told}")


def main(articles: int, categories: int) -> None:
    """Run every step once, then add an article five times."""
    every = sources(categories)
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/bench.db") as store:
        settings = Settings(
            file=Path(folder, "feeds.toml"),
            site=Site(title="Benchmark", base_url="https://news.example.org/"),
            storage_url="",
            outputs=Path(folder, "outputs"),
            workers=1,
            sources=every,
        )
        store.reconcile(every, NOW)

        def fill() -> None:
            for number, source in enumerate(every):
                entries = [entry(number, item) for item in range(articles // categories)]
                store.record(source, entries, SourceState(), NOW)

        timed(f"store {articles}", fill)
        timed("publish from scratch", lambda: publish(settings, store))
        timed("publish with nothing new", lambda: publish(settings, store))
        for number in range(1, 6):
            store.record(every[0], [entry(0, -number)], SourceState(), NOW)
            timed("publish one more", lambda: publish(settings, store))
        if articles <= AGAIN:
            timed("publish everything again", lambda: publish(settings, store, everything=True))


if __name__ == "__main__":
    for amount in [int(text) for text in sys.argv[1:]] or [1_000, 10_000, 100_000]:
        main(amount, CATEGORIES)
