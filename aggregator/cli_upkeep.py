"""Commands that remove, hold, release, copy and try out; no logic of their own."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aggregator import streams
from aggregator.cli_shared import (
    WHICH,
    AsJson,
    Config,
    at_work,
    load_settings,
    open_store,
    readable,
    tell_hub,
)

if TYPE_CHECKING:
    from aggregator.config import Settings
    from aggregator.store import Store

app = typer.Typer()

LAST = 2**63 - 1
"""The largest number that a database gives a row."""


@app.command()
def takedown(
    article: Annotated[str | None, WHICH] = None,
    config: Config = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="All articles of this source instead.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why, for the list; it is never published.", callback=readable)
    ] = "",
    undo: Annotated[
        int | None, typer.Option(metavar="NUMBER", max=LAST, help="Let this one come back.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove articles for good; without an article, list what was removed."""
    from aggregator import terminal

    _one_at_most(
        {"URL-OR-ID": article is not None, "--source": source is not None, "--undo": undo is not None}
    )
    settings = load_settings(config)
    moment = datetime.now(UTC)
    with at_work(settings) as store:
        if undo is not None:
            if store.undo(undo) is None:
                raise typer.BadParameter(f"there is no takedown {undo}", param_hint="--undo")
            _publish(settings, store, 0, "it comes back when a source shows it again", as_json=as_json)
        elif source is not None:
            if source not in store.states():
                right = "`aggregator sources` lists them"
                raise typer.BadParameter(f"no source is named {source!r}; {right}", param_hint="--source")
            _publish(settings, store, store.take_down_source(source, reason, moment), as_json=as_json)
        elif article is not None:
            found = [one.id for one in store.find(article)]
            if not found:
                raise typer.BadParameter(f"no article is named {article!r}", param_hint="URL-OR-ID")
            _publish(settings, store, store.take_down(found, reason, moment), as_json=as_json)
        else:
            rows = [asdict(tomb) for tomb in store.tombs()]
            terminal.print_json(rows) if as_json else terminal.print_tombs(rows)


@app.command()
def floods(
    config: Config = None,
    release: Annotated[
        int | None, typer.Option(metavar="NUMBER", max=LAST, help="Let it into the feeds.")
    ] = None,
    drop: Annotated[int | None, typer.Option(metavar="NUMBER", max=LAST, help="Remove it for good.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the floods of old articles that are held out of the live feeds."""
    from aggregator import terminal

    _one_at_most({"--release": release is not None, "--drop": drop is not None})
    settings = load_settings(config)
    with at_work(settings) as store:
        if release is not None:
            count = _held(store.release(release), release, "--release")
            _publish(settings, store, count, f"{count} articles released", as_json=as_json)
        elif drop is not None:
            count = _held(store.drop(drop, datetime.now(UTC)), drop, "--drop")
            _publish(settings, store, count, as_json=as_json)
        else:
            rows = [asdict(flood) for flood in store.floods()]
            terminal.print_json(rows) if as_json else terminal.print_floods(rows)


@app.command()
def prune(config: Config = None) -> None:
    """Let go what retention does not keep, and give its room back to the disk."""
    settings = load_settings(config)
    with at_work(settings) as store:
        gone = store.prune(settings.sources, settings.keep, datetime.now(UTC))
        try:
            _publish(settings, store, gone)
        finally:
            store.compact()


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file.")], config: Config = None
) -> None:
    """Copy the database to a new file, while it may be in use."""
    from aggregator.backup import backup as copy

    copy(load_settings(config), file.absolute())
    streams.say(f"{file}: written")


@app.command()
def dedup(
    config: Config = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; the only way there is.")] = False,
    near: Annotated[
        Literal["merge", "link", "off"] | None, typer.Option(help="As dedup.near in the settings.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="How alike is nearly.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try the rules of identity on everything stored: what would merge, split or stay."""
    from dataclasses import replace

    from aggregator import terminal

    if not dry_run:
        raise typer.BadParameter("history is not rewritten; say --dry-run", param_hint="--dry-run")
    settings = load_settings(config)
    policy = settings.policy
    policy = replace(
        policy, near=near or policy.near, threshold=policy.threshold if threshold is None else threshold
    )
    with open_store(settings) as store:
        found = store.backtest(policy)
    if as_json:
        terminal.print_json(terminal.backtest_json(found))
    else:
        terminal.print_backtest(found)


def _one_at_most(given: dict[str, bool]) -> None:
    """Refuse two wishes at once; who names an article and a source may mean the article alone."""
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise typer.BadParameter("one at a time", param_hint=" and ".join(names))


def _held(count: int, number: int, option: str) -> int:
    if not count:
        right = "`aggregator floods` lists them"
        raise typer.BadParameter(f"no articles are held for a flood {number}; {right}", param_hint=option)
    return count


def _publish(
    settings: "Settings", store: "Store", articles: int, done: str = "", *, as_json: bool = False
) -> None:
    """Bring the outputs up to date with what was `done`: removing articles if nothing else is said."""
    from aggregator import publishing, terminal

    if not as_json:
        streams.say(done or f"{articles} articles removed")
    report = publishing.publish(settings, store)
    if as_json:
        terminal.print_json({"articles": articles, "publish": asdict(report)})
    else:
        terminal.print_publish(report)
    tell_hub(settings, store)
    if report.problems:
        raise typer.Exit(1)
