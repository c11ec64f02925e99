"""Commands on single articles; no logic of its own."""

from dataclasses import asdict
from typing import Annotated

import typer

from aggregator import streams
from aggregator.cli_shared import WHICH, AsJson, Config, load_settings, open_store

app = typer.Typer()


@app.command()
def explain(
    article: Annotated[str, WHICH],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say why an article is here, and what was done to it."""
    from aggregator import terminal
    from aggregator.explaining import explained, nothing_found

    settings = load_settings(config)
    with open_store(settings) as store:
        found, gone = explained(article, settings, store)
        missing = "" if found or gone else nothing_found(article, settings, store)
    if as_json:
        terminal.print_json([*map(asdict, found), *map(asdict, gone)])
    else:
        for one in found:
            terminal.print_explanation(one)
        for tomb in gone:
            terminal.print_removed(tomb)
    _stop_if(missing)


@app.command()
def show(
    article: Annotated[str, WHICH],
    config: Config = None,
    history: Annotated[bool, typer.Option("--history", help="Its versions: what each edit changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print an article as plain text, or what its edits changed."""
    from aggregator import terminal
    from aggregator.explaining import nothing_found
    from aggregator.showing import shown

    settings = load_settings(config)
    with open_store(settings) as store:
        found = shown(article, store, history=history)
        missing = "" if found else nothing_found(article, settings, store)
    if as_json:
        terminal.print_json([asdict(one) for one in found])
    else:
        for one in found:
            terminal.print_article(one)
    _stop_if(missing)


def _stop_if(missing: str) -> None:
    from aggregator import terminal

    if missing:
        streams.tell(terminal.clean(f"aggregator: {missing}"))
        raise typer.Exit(1)
