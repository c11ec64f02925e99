"""Feeds that grow by an entry at a time, and what must hold of the articles that came of them."""

import json

import sqlalchemy as sa
from lxml import etree
from world import World

FEEDS = 6
ENTRIES = 8
BODY = "".join(f"<p>{'A sentence that takes room. ' * 20}{number}</p>" for number in range(6))


def feed(number: int, newest: int) -> bytes:
    items = "".join(
        f"<item><title>{number}-{entry}</title><link>https://s{number}.example/{entry}</link>"
        f"<guid>https://s{number}.example/{entry}</guid><description><![CDATA[{BODY}{number}-{entry}]]>"
        "</description></item>"
        for entry in range(newest, max(-1, newest - ENTRIES), -1)
    )
    return f"<rss version='2.0'><channel><title>Feed {number}</title>{items}</channel></rss>".encode()


def check_nothing_is_lost_or_doubled(world: World, rounds: int) -> None:
    expected = sorted(f"{number}-{entry}" for number in range(FEEDS) for entry in range(rounds))
    engine = sa.create_engine(world.settings.storage_url)
    with engine.connect() as conn:
        if conn.dialect.name == "sqlite":
            assert conn.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
        titles = conn.exec_driver_sql("SELECT title FROM contents").scalars().all()
    engine.dispose()
    assert sorted(titles) == expected
    assert sorted(post.name.rsplit("-", 1)[0] for post in world.posts()) == expected
    check_files_are_whole(world)


def check_files_are_whole(world: World) -> None:
    for file in world.outputs.rglob("*"):
        assert not file.name.endswith(".tmp"), file
        if file.suffix == ".xml":
            etree.parse(file)
        elif file.suffix == ".json":
            json.loads(file.read_text("utf-8"))
        elif file.suffix == ".md":
            assert file.read_bytes().endswith(b"</div>\n            "), file
        elif file.suffix == ".html":
            assert file.read_text("utf-8").rstrip().endswith("</html>"), file
