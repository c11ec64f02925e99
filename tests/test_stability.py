"""The outputs are a pure function of store and settings: however they came about, the bytes are the same."""

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import feedparser
import pytest
from world import EVERYTHING, NOON, World

from aggregator.publishing import publish

pytestmark = pytest.mark.sqlite  # copies its file

SOURCES = ("A", "B", "C")
PATHS = {"A": '["News", "A"]', "B": '["News", "B 新闻"]', "C": '["Sport"]'}


@dataclass
class Item:
    """One entry of a feed file."""

    number: int
    title: str
    age: float
    body: str

    def xml(self) -> str:
        date = format_datetime(NOON - timedelta(days=self.age), usegmt=True)
        link = f"https://e.example/{self.number}"
        return (
            f"<item><title>{self.title}</title><link>{link}</link><guid>{link}</guid>"
            f"<pubDate>{date}</pubDate><description>{self.body}</description></item>"
        )


@dataclass
class Newsroom:
    """Three feed files and the settings over them, changed at random."""

    world: World
    chance: random.Random
    items: dict[str, list[Item]] = field(default_factory=lambda: {name: [] for name in SOURCES})
    count: int = 0
    active: set[str] = field(default_factory=lambda: set(SOURCES))
    paths: dict[str, str] = field(default_factory=lambda: dict(PATHS))
    options: dict[str, str] = field(default_factory=lambda: {"entries_per_feed": "3"})
    tables: dict[str, str] = field(default_factory=dict)

    def save(self) -> None:
        outputs = "".join(f"{key} = {value}\n" for key, value in self.options.items())
        text = f"[outputs]\n{outputs}" + "".join(self.tables.values())
        for name in sorted(self.active):
            text += f'[[sources]]\nname = "{name}"\npath = "{name}.xml"\ncategories = {self.paths[name]}\n'
        self.world.write(text)
        for name, items in self.items.items():
            channel = f"<channel><title>{name}</title>{''.join(item.xml() for item in items)}</channel>"
            (self.world.folder / f"{name}.xml").write_text(f"<rss version='2.0'>{channel}</rss>", "utf-8")

    def new(self, age: float | None = None) -> None:
        self.count += 1
        days = self.chance.uniform(0, 150) if age is None else age
        body = f"Words of {self.count}. " * self.chance.randint(1, 20)
        self.items[self.chance.choice(SOURCES)].append(
            Item(self.count, f"Title {self.chance.randint(1, 9)}", days, body)
        )

    def newest(self) -> None:
        self.new(1 / (1 + self.count))

    def edit(self) -> None:
        if mine := [item for items in self.items.values() for item in items]:
            item = self.chance.choice(mine)
            setattr(item, self.chance.choice(["title", "body"]), f"Edited {self.chance.randint(1, 9)}")

    def duplicate(self) -> None:
        if mine := [item for items in self.items.values() for item in items]:
            item = self.chance.choice(mine)
            other = self.items[self.chance.choice(SOURCES)]
            if all(one.number != item.number for one in other):
                other.append(item)

    def take_down_or_undo(self) -> None:
        if not (self.world.folder / "storage").exists():
            return
        with self.world.store() as store:
            if tombs := store.tombs():
                store.undo(self.chance.choice(tombs).id)
            elif articles := store.articles(store.newest(EVERYTHING, 1000)):
                store.take_down([self.chance.choice(articles).id], "why", self.world.clock)

    def leave_or_return(self) -> None:
        self.active ^= {self.chance.choice(SOURCES)}

    def move(self) -> None:
        name = self.chance.choice(SOURCES)
        self.paths[name] = self.chance.choice(['["News", "A"]', '["news"]', '["News"]', PATHS[name]])

    def set_option(self) -> None:
        key, values = self.chance.choice(
            [("entries_per_feed", ["3", "2", "7"]), ("formats", ['["atom", "json"]', '["rss"]', '["atom"]'])]
        )
        self.options[key] = self.chance.choice(values)

    def set_table(self) -> None:
        table = self.chance.choice(
            [
                '[site]\ntitle = "Other"\n',
                '[posts]\nflavour = "jekyll"\n',
                '[publish]\nhub = "https://h.example/"\n',
            ]
        )
        name = table.split("]")[0]
        if not self.tables.pop(name, None):
            self.tables[name] = table

    def do_something(self) -> None:
        act: Callable[[], None] = self.chance.choice(
            [self.new] * 4
            + [self.newest] * 6
            + [self.edit] * 4
            + [self.duplicate] * 3
            + [self.take_down_or_undo] * 2
            + [self.leave_or_return, self.move, self.set_option, self.set_table]
        )
        act()

    def run(self) -> None:
        self.save()
        report = self.world.run(everything=True, after=60)
        assert report.publish.problems == []
        assert report.publish.kept == []


def tree(folder: Path) -> Mapping[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def from_scratch(world: World, folder: Path) -> Mapping[str, bytes]:
    """What the same store and settings give where nothing was ever written."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    copy = World(folder, "")
    shutil.copytree(world.folder / "storage", folder / "storage")
    for file in world.folder.glob("*.[xt]*ml"):
        shutil.copy(file, folder)
    with copy.store() as store:
        publish(copy.settings, store)
    return tree(copy.outputs)


def campaign(folder: Path, seed: int, operations: int, every: int) -> None:
    room = Newsroom(World(folder / "live", ""), random.Random(seed))
    for _ in range(12):
        room.new()
    for number in range(operations):
        room.do_something()
        if number % every == 0 or room.chance.random() < 0.7:
            room.run()
        if number % every == every - 1:
            room.run()
            compare(tree(room.world.outputs), from_scratch(room.world, folder / "scratch"))


def compare(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> None:
    assert sorted(found) == sorted(expected)
    assert [path for path in expected if found[path] != expected[path]] == []


@pytest.fixture(name="folder")
def make_folder(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    return tmp_path


@pytest.mark.parametrize("seed", [1, 2])
def test_what_grew_equals_what_is_written_anew(folder: Path, seed: int) -> None:
    """After 24 random operations the outputs are those of a publishing from scratch, byte for byte."""
    campaign(folder, seed, 24, 8)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [3, 4])
def test_what_grew_long_equals_what_is_written_anew(folder: Path, seed: int) -> None:
    """The same after 200 operations, compared after every ten."""
    campaign(folder, seed, 200, 10)


def test_settings_changed_and_changed_back_leave_no_trace(folder: Path) -> None:
    """Other formats, sizes, titles and paths, then the first again: the same bytes, nothing left behind."""
    room = Newsroom(World(folder / "live", ""), random.Random(9))
    for _ in range(20):
        room.new()
    room.run()
    before = tree(room.world.outputs)
    options, tables, paths = dict(room.options), dict(room.tables), dict(room.paths)
    for change in (room.set_option, room.set_table, room.move, room.set_option, room.set_table):
        change()
        room.run()
    room.options, room.tables, room.paths = options, tables, paths
    room.run()
    compare(tree(room.world.outputs), before)


def test_a_new_article_costs_no_archive(folder: Path) -> None:
    """Of forty articles in archives, one more replaces live feeds and at most the newest documents."""
    room = Newsroom(World(folder / "live", ""), random.Random(5))
    for age in range(40):
        room.new(age * 3 + 2)
    room.run()
    before = room.world.snapshot()
    assert sum(path.endswith(".atom") for path in before) > 20
    room.new(1)
    room.run()
    after = room.world.snapshot()
    changed = [path for path in after if after[path] != before.get(path)]
    assert sum(path.endswith(".atom") for path in changed) <= 6
    assert all(after[path][0] == before[path][0] for path in before if path not in changed)


def test_a_subscriber_walks_back_to_the_first_article(folder: Path) -> None:
    """From each live feed over prev-archive every article of the category is reached."""
    room = Newsroom(World(folder / "live", ""), random.Random(6))
    for age in range(40):
        room.new(age * 3)
    room.run()
    room.edit()
    room.newest()
    room.run()
    base = room.world.settings.site.base_url
    with room.world.store() as store:
        counts = {row.node: row.articles for row in store.nodes()}
    feeds = {"all": 41, "News": counts[next(node for node in counts if node.path == ("News",))]}
    for name, expected in feeds.items():
        seen: set[str] = set()
        address: str | None = f"{base}feeds/{name}/atom.xml"
        while address:
            found = feedparser.parse((room.world.outputs / address.removeprefix(base)).read_bytes())
            seen |= {entry.id for entry in found.entries}
            address = next((link.href for link in found.feed.links if link.rel == "prev-archive"), None)
        assert len(seen) == expected
