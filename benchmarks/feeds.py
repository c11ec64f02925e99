"""Feeds for the benchmarks: the same number always gives the same bytes."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

ENTRIES = 20
WEEKS = 20_000
"""Minutes over which the first entries are spread."""
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
_TEXT = (
    "the market report of this week says that prices for grain and timber rose while ships waited outside "
    "harbours engineers presented a small engine which needs no rare metals and runs on plain alcohol "
    "a library in the old town opens again after years of work and lends instruments as well as books"
)
WORDS = _TEXT.split()
_CHARACTERS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面"
    "而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把"
    "性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质"
)
"""The commonest, so that no two sentences are alike, as in real texts."""


def _sentence(chance: random.Random) -> str:
    words = "".join(chance.choices(_CHARACTERS, k=chance.randint(14, 40)))
    half = len(words) // 2
    return f"{words[:half]}，{words[half:]}。"


def _paragraph(chance: random.Random, *, chinese: bool) -> str:
    if chinese:
        return "".join(_sentence(chance) for _ in range(chance.randint(3, 7)))
    return " ".join(chance.choices(WORDS, k=chance.randint(50, 110)))


def body(number: int) -> str:
    """The HTML of one entry, 2 to 6 KB."""
    chance = random.Random(number)
    chinese = number % 3 == 0
    size, parts = chance.randint(2000, 6000), list[str]()
    while sum(map(len, parts)) < size // (2 if chinese else 1):
        text = _paragraph(chance, chinese=chinese)
        target = f"https://site{number % 97}.example/more/{chance.randint(0, 999)}?utm_source=rss"
        link = f'<a href="{target}">more</a>'
        parts.append(chance.choice((f"<p>{text}</p>", f'<p class="lead">{text} {link}</p>')))
    image = f'<img src="https://img.example/{number}.jpg?w=800" alt="{number}" width="800" height="450">'
    parts.insert(1, f"<figure>{image}<figcaption>{number}</figcaption></figure>")
    return "\n".join(parts)


def _minutes(feed: int, number: int) -> int:
    """When an entry was published: two weeks hold the first ones of all feeds, later ones are news."""
    if number < ENTRIES:
        return (feed * 1000 + number) % WEEKS + number
    return WEEKS + ENTRIES + (number - ENTRIES) * 60 + feed % 60


def item(feed: int, number: int) -> str:
    """One RSS item; numbers grow with time."""
    unique = feed * 1000 + number
    date = format_datetime(EPOCH + timedelta(minutes=_minutes(feed, number)), usegmt=True)
    link = f"https://site{feed}.example/posts/{number}"
    return (
        f"<item><title>Item {number} of feed {feed} 新闻</title><link>{link}</link><guid>{link}</guid>"
        f"<pubDate>{date}</pubDate><dc:creator>Author {unique % 7}</dc:creator>"
        f"<category>c{unique % 11}</category>"
        f"<description>Summary of {unique}</description>"
        f"<content:encoded><![CDATA[{body(unique)}]]></content:encoded></item>\n"
    )


def document(feed: int, version: int) -> bytes:
    """The feed's document; each version has one entry more at its top and one fewer at its end."""
    items = (item(feed, number) for number in range(version + ENTRIES - 1, version - 1, -1))
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Feed {feed}</title><link>https://site{feed}.example/</link>"
        f"<description>Feed {feed}</description>\n"
    )
    return f"{head}{''.join(items)}</channel></rss>\n".encode()
