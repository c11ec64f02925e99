"""Feeds for the benchmarks: the same number always gives the same bytes."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

ENTRIES = 20
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
_TEXT = (
    "the market report of this week says that prices for grain and timber rose while ships waited outside "
    "harbours engineers presented a small engine which needs no rare metals and runs on plain alcohol "
    "a library in the old town opens again after years of work and lends instruments as well as books"
)
_WORDS = _TEXT.split()
_SENTENCES = (
    "本周的市场报告说，粮食和木材的价格上涨，而船只在港口外等待。",
    "工程师们展示了一台不需要稀有金属的小型发动机。",
    "老城的图书馆经过多年的修缮重新开放，除了书籍还出借乐器。",
    "天文台公布了新的观测结果，研究者认为还需要更多数据。",
)


def _paragraph(chance: random.Random, *, chinese: bool) -> str:
    if chinese:
        return "".join(chance.choices(_SENTENCES, k=chance.randint(3, 7)))
    return " ".join(chance.choices(_WORDS, k=chance.randint(50, 110)))


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


def item(feed: int, number: int) -> str:
    """One RSS item; numbers grow with time."""
    unique = feed * 1000 + number
    date = format_datetime(EPOCH + timedelta(minutes=unique % 20000 + number), usegmt=True)
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
