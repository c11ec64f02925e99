"""A whole installation in a folder, for tests of passes: settings, store, outputs, a stopped clock."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from databases import is_postgresql, server

from aggregator import config, pipeline
from aggregator.model import Node
from aggregator.reports import PassReport
from aggregator.store import Store

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared"
CORPUS = SHARED / "samples" / "corpus"
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
LOOPBACK = '[fetch]\nallow_private_networks = true\nper_host = 8\nper_host_delay = "0s"\n'
EVERYTHING = Node("category", ())


class World:
    """`settings` is the text of feeds.toml; `clock` is what passes take for now."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.clock = NOON
        self.write(settings)

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    @property
    def settings(self) -> config.Settings:
        return config.load(self.folder / "feeds.toml")

    def write(self, settings: str) -> None:
        text = LOOPBACK + settings
        if is_postgresql() and "sqlite:" not in text:
            table, url = "[storage]\n", f"url = {json.dumps(server().url(self.folder))}\n"
            text = text.replace(table, table + url) if table in text else text + table + url
        (self.folder / "feeds.toml").write_text(text, encoding="utf-8")

    def store(self) -> Store:
        return Store.open(self.settings.storage_url, self.settings.policy)

    def run(self, *, everything: bool = False, after: float = 0) -> PassReport:
        """One pass, `after` seconds from the last."""
        self.clock += timedelta(seconds=after)
        with self.store() as store, pipeline.tools(lambda: self.clock) as tools:
            return pipeline.run_pass(self.settings, store, pipeline.Plan(everything=everything), tools)

    def feed(self, folder: str = "all") -> list[dict[str, str]]:
        """The items of an output JSON feed."""
        file = self.outputs / "feeds" / folder / "feed.json"
        items: list[dict[str, str]] = json.loads(file.read_text("utf-8"))["items"]
        return items

    def posts(self) -> list[Path]:
        return sorted((self.outputs / "posts").rglob("*.md"))

    def snapshot(self) -> Mapping[str, tuple[int, bytes]]:
        """Every output with its mtime and bytes."""
        return {
            str(file.relative_to(self.outputs)): (file.stat().st_mtime_ns, file.read_bytes())
            for file in sorted(self.outputs.rglob("*"))
            if file.is_file()
        }


def source(name: str, url: str, *categories: str) -> str:
    """A [[sources]] table as text."""
    names = ", ".join(json.dumps(category, ensure_ascii=False) for category in categories or (name,))
    label = json.dumps(name, ensure_ascii=False)
    return f"[[sources]]\nname = {label}\nurl = {json.dumps(url)}\ncategories = [{names}]\n"
