"""What feeds copy from one another: live feeds, archives, and what is never copied."""

from pathlib import Path

from world import EVERYTHING, World

from aggregator.model import Outline
from aggregator.publish.entry import listed
from aggregator.publish.files import Output
from aggregator.publish.pieces import Kind, Piece
from aggregator.publish_files import Desk, PublishReport
from aggregator.publish_nodes import folders_of
from aggregator.publish_pieces import Pieces
from aggregator.store import Store


def published(tmp_path: Path) -> World:
    """Ten articles of one seed directory, two in a feed, the others in its archives."""
    (tmp_path / "archive").mkdir()
    for day in range(1, 11):
        head = f"title: Article {day}\ncategories: [News]\ndate: 2022-09-{day:02d} 09:00:00"
        text = f"---\n{head}\n---\n\n<p>Words of {day}</p>\n"
        (tmp_path / "archive" / f"{day}.md").write_text(text)
    world = World(tmp_path, '[outputs]\nentries_per_feed = 2\n[[seeds]]\nname = "S"\npath = "archive"\n')
    world.run()
    return world


def taken(world: World, store: Store, kind: Kind, month: str) -> tuple[list[Outline], list[Piece | None]]:
    """What a document that is not there yet would be made of, with all articles."""
    site, output = world.settings.site, Output(world.outputs)
    desk = Desk(site, (), store, output, PublishReport(), lambda: False)
    articles = store.outlines(store.newest(EVERYTHING, 100))
    take = Pieces(store, world.outputs, site, folders_of(desk)).of(kind, "feeds/new/file", month)
    return articles, take(listed(articles))


def test_archives_are_copied_from_those_of_the_source(tmp_path: Path) -> None:
    """With the month every entry is found in a file of the source; none is rendered anew."""
    world = published(tmp_path)
    with world.store() as store:
        articles, pieces = taken(world, store, "atom", "2022-09")
    assert len(articles) == 10
    assert [piece is not None and piece.checked for piece in pieces] == [True] * 10
    files = [file.read_bytes() for file in (world.outputs / "feeds/all").rglob("*.atom")]
    files.append((world.outputs / "feeds/all/atom.xml").read_bytes())
    assert all(piece is not None and any(piece.data in data for data in files) for piece in pieces)


def test_each_part_of_a_run_looks_for_files_anew(tmp_path: Path) -> None:
    """What was copied for sources, and is not in memory, is copied for categories too."""
    world = published(tmp_path)
    with world.store() as store:
        desk = Desk(world.settings.site, (), store, Output(world.outputs), PublishReport(), lambda: False)
        articles = store.outlines(store.newest(EVERYTHING, 2))
        pieces = Pieces(store, world.outputs, world.settings.site, folders_of(desk))
        for part in ("source", "category"):
            pieces.begin(part)
            found = pieces.of("atom", f"feeds/new/{part}")(listed(articles))
            assert [piece is not None and piece.checked for piece in found] == [True] * 2


def test_what_stands_in_no_live_feed_is_rendered(tmp_path: Path) -> None:
    """Without a month only the live feed and the page of the source are looked at."""
    world = published(tmp_path)
    with world.store() as store:
        for kind in ("atom", "rss", "json"):
            _, pieces = taken(world, store, kind, "")
            assert [piece is not None and piece.checked for piece in pieces] == [True] * 2 + [False] * 8
        assert [piece is not None and piece.checked for piece in taken(world, store, "page", "")[1]] == [
            True
        ] * 10


def test_nothing_is_copied_once_it_changed(tmp_path: Path) -> None:
    """What was written before an article's last change is no copy of it."""
    world = published(tmp_path)
    file = tmp_path / "archive" / "3.md"
    file.write_text(file.read_text().replace("Words of 3", "Other words"))
    with world.store() as store:
        before = {one.id: one.changed for one in taken(world, store, "atom", "")[0]}
    world.run(after=60)
    with world.store() as store:
        articles, pieces = taken(world, store, "atom", "2022-09")
    (moved,) = [one for one in articles if one.changed != before[one.id]]
    assert moved.changed > max(before.values())
    piece = pieces[articles.index(moved)]
    assert piece is not None
    assert b"Other words" in bytes(piece.data)
