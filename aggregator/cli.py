"""Every command; no logic of its own.

Rooms are imported inside the commands: `aggregator --help` must not wait for SQLAlchemy.
Exit status: 0 done; 1 the work failed; 2 wrong usage or settings.
"""

import difflib
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from aggregator import __version__, cli_articles, cli_upkeep, streams
from aggregator.cli_shared import AsJson, Config, at_work, load_settings, open_store, tell_hub
from aggregator.errors import AggregatorError, SettingsError
from aggregator.memory import tidy_seldom

if TYPE_CHECKING:
    from aggregator.config import Settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Collects feeds and seed directories, keeps one copy of each article, republishes it.",
)


INTERRUPTED = 130


def main() -> None:
    """Run the command line; every error that is this program's to report is one clear text."""
    streams.settle()
    tidy_seldom()
    try:
        app()
    except SettingsError as error:
        _stop(str(error), 2)
    except AggregatorError as error:
        _stop(str(error), 1)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer ends so, without a word
            _stop("stopped; what was stored stays, the rest will be collected again", INTERRUPTED)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None


def _stop(message: str, status: int) -> NoReturn:
    streams.tell(f"aggregator: {message}")
    raise SystemExit(status)


def _known(names: list[str], settings: "Settings") -> frozenset[str]:
    """The names as a set; one that no source has is wrong usage."""
    known = [source.name for source in settings.sources]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise typer.BadParameter(f"no source is named {name!r}{hint}", param_hint="--source")
    return frozenset(names)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callbacks are positional
    if wanted:
        streams.say(f"aggregator {__version__}")
        raise typer.Exit


app.add_typer(cli_articles.app)
app.add_typer(cli_upkeep.app)


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before any command."""


@app.command()
def run(
    config: Config = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Ask every source now, but those that asked us to wait.")
    ] = False,
    source: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this source.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when any source failed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Collect what is due, store it, publish what changed."""
    from aggregator import edits, forkserver, pipeline, terminal
    from aggregator.health import not_asked

    forkserver.set_aside()
    settings = load_settings(config)
    names = _known(source or [], settings)
    with at_work(settings) as store, pipeline.tools() as tools, terminal.progress(quiet=as_json) as seen:
        edits.follow(settings, store)
        plan = pipeline.Plan(only=names, everything=everything, seen=seen)
        report = pipeline.run_pass(settings, store, plan, tools)
        tell_hub(settings, store)
        wished = everything or bool(names)
        left = not_asked(settings, store, report, names, datetime.now(UTC)) if wished else []
    for line in left:
        streams.tell(line)
    if as_json:
        terminal.print_json(asdict(report))
    else:
        terminal.print_pass(report)
    if report.publish.problems or (strict and report.failed):
        raise typer.Exit(1)


@app.command()
def publish(
    config: Config = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Make everything anew, as if no output existed; files that come out the same stay."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Everything too, and over files that somebody edited.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring outputs up to date with the store."""
    from aggregator import forkserver, publishing, terminal
    from aggregator.workers import PROCESSES, Workers

    forkserver.set_aside()
    settings = load_settings(config)
    with at_work(settings) as store, Workers(PROCESSES) as workers:
        report = publishing.publish(settings, store, everything=everything, force=force, workers=workers)
        tell_hub(settings, store)
    if as_json:
        terminal.print_json(asdict(report))
    else:
        terminal.print_publish(report)
    if report.problems:
        raise typer.Exit(1)


@app.command()
def check(
    config: Config = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Try each source, without storing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when any source failed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with feeds.toml."""
    from aggregator import terminal

    try:
        settings = load_settings(config, files=True)
    except SettingsError as error:
        if as_json:
            terminal.print_json(terminal.check_json(error.file, error.problems))
        raise
    from aggregator.trial import markdown_hints, try_sources

    hints = tuple(markdown_hints(settings))
    for hint in hints:
        streams.tell(f"warning: {hint}")
    rows = []
    if fetch:
        rows = try_sources(settings, datetime.now(UTC))
    if as_json:
        warnings = (*settings.warnings, *hints)
        terminal.print_json(terminal.check_json(settings.file, (), warnings, rows))
    else:
        streams.say(f"{settings.file}: no mistakes; {len(settings.sources)} sources")
        terminal.print_trials(rows)
    if strict and any(row.failed for row in rows):
        raise typer.Exit(1)


@app.command()
def sources(config: Config = None, as_json: AsJson = False) -> None:
    """Show the health of each source."""
    from aggregator import terminal
    from aggregator.health import health

    settings = load_settings(config)
    with open_store(settings) as store:
        rows = health(settings, store, datetime.now(UTC))
    if as_json:
        terminal.print_json([asdict(row) for row in rows])
    else:
        terminal.print_health(rows)


@app.command()
def serve(config: Config = None) -> None:
    """Hand out the outputs over HTTP until told to stop."""
    from aggregator import logs, serving

    logs.configure()
    settings = load_settings(config)
    with open_store(settings) as store:
        serving.serve(
            settings, store, lambda address: streams.say(f"serving {settings.outputs} at {address}")
        )


@app.command()
def rebuild(
    posts: Annotated[Path, typer.Option("--from", metavar="FOLDER", help="A folder of posts.")],
    config: Config = None,
    force: Annotated[
        bool, typer.Option("--force", help="Into a database that holds articles already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a database from posts, to be published then."""
    from aggregator import rebuilding, terminal

    if not posts.is_dir():
        raise typer.BadParameter(
            f"{posts} is no folder; name the one that holds the posts", param_hint="--from"
        )
    settings = load_settings(config)
    with at_work(settings) as store:
        report = rebuilding.rebuild(settings, store, posts.absolute(), datetime.now(UTC), force=force)
    if as_json:
        terminal.print_json(asdict(report))
    else:
        terminal.print_rebuilt(report)
    if report.problems:
        raise typer.Exit(1)


@app.command()
def daemon(config: Config = None) -> None:
    """Work on schedule until told to stop."""
    from aggregator import forkserver, logs
    from aggregator.daemon import Beats, Daemon
    from aggregator.notify import Notifier

    forkserver.set_aside()
    logs.configure()
    Daemon(config, Notifier(), Beats()).run()
