"""Makes the labelled set: pairs of entries that are, or are not, one article.

It is made of tests/data/refine/pairs/stories.toml and templates.toml, one pair a line: kind, whether it
is the same article, the rung that should find it ("link", "text", "near" or ""), and the two entries.
The same input gives the same bytes. `tests/corpora/make_pairs.py` writes it.
"""

import json
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "data" / "refine" / "pairs"
LANGUAGES = ("en", "zh")

Paragraphs = list[str]
Entry = dict[str, str]
Pair = dict[str, Any]

CITY = {"en": "HALLBERG, Nov 2 (Northern Wire) — ", "zh": "北方通讯社哈尔贝里11月2日电　"}
ADDED = {
    "en": "Readers who have photographs of the event are invited to send them to the editors of this paper.",
    "zh": "本报欢迎拍下现场照片的读者将图片寄到编辑部，一经采用即付稿酬。",
}
LEAD = {
    "en": "It was the talk of the region for days, and now it has happened: people who had given up hope say "
    "that they can hardly believe it.",
    "zh": "这件事在当地议论了好些天，如今终于有了结果，许多原本已经不抱希望的人都说简直不敢相信自己的眼睛。",
}
SWAPS = {
    "en": (
        ("about", "roughly"),
        ("said", "told reporters"),
        ("because", "since"),
        ("expect", "are hoping for"),
    ),
    "zh": (("表示", "告诉记者"), ("大约", "约"), ("因为", "由于"), ("解释说", "说明"), ("估计", "预计")),
}
SHARE = '<div class="sharedaddy"><ul><li><a href="/?share=x">Share</a></li></ul></div>'
PIXEL = '<img src="https://e.example/c.gif" width="1" height="1">'


def simple(paragraphs: Paragraphs) -> str:
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)


def dressed(paragraphs: Paragraphs) -> str:
    """The same text in other markup, with other quotation marks and blanks, a counter and a share bar."""
    inner = "<br><br>\n".join(f"<span class='t'>  {paragraph}</span>" for paragraph in paragraphs)
    return f'<div class="entry" data-id="7">{inner}{SHARE}{PIXEL}</div>'


def corrected(paragraphs: Paragraphs) -> Paragraphs:
    """One number of the second half is another."""
    for at in range(len(paragraphs) // 2, len(paragraphs)):
        for digit in "23456789":
            if digit in paragraphs[at]:
                changed = paragraphs[at].replace(digit, str(int(digit) - 1), 1)
                return [*paragraphs[:at], changed, *paragraphs[at + 1 :]]
    return paragraphs


def swapped(language: str, paragraphs: Paragraphs) -> Paragraphs:
    """An editor replaced the first three words that he likes to replace."""
    found = list(paragraphs)
    left = 3
    for old, new in SWAPS[language]:
        for at, paragraph in enumerate(found):
            if left and old in paragraph:
                found[at] = paragraph.replace(old, new, 1)
                left -= 1
    return found


def truncated(paragraphs: Paragraphs, part: float) -> str:
    """What a feed shows that gives only the beginning."""
    whole = simple(paragraphs)
    return f"{whole[: int(len(whole) * part)]}…</p>"


def entry(title: str, body: str, link: str) -> Entry:
    return {"title": title, "body": body, "link": link}


def pair(kind: str, rung: str, one: Entry, other: Entry) -> Pair:
    return {"kind": kind, "same": bool(rung), "rung": rung, "one": one, "other": other}


def story_pairs(story: dict[str, Any], language: str) -> Iterator[Pair]:
    told = story[language]
    title, headline, body, other = told["title"], told["headline"], told["body"], told["other"]["body"]
    links = (
        f"https://first.example/{language}/{story['name']}",
        f"https://second.example/{language}/{story['name']}",
    )
    whole = [*body, *other]

    def made(kind: str, rung: str, mine: str, theirs: str, second_title: str = title) -> Pair:
        return pair(kind, rung, entry(title, mine, links[0]), entry(second_title, theirs, links[1]))

    yield made("copy", "text", simple(body), dressed(body))
    yield made("copy, other headline", "text", simple(whole), dressed(whole), headline)
    yield pair(
        "same page",
        "link",
        entry(title, simple(body), links[0]),
        entry(
            headline,
            truncated(body, 0.3),
            f"{links[0].replace('https://', 'http://www.')}/?utm_source=rss#top",
        ),
    )
    yield made("wire, new lead", "near", simple(whole), simple([LEAD[language], *whole[1:]]), headline)
    yield made(
        "wire, dateline and addition",
        "near",
        simple(body),
        simple([CITY[language] + body[0], *body[1:], ADDED[language]]),
    )
    yield made("wire, words replaced", "near", simple(whole), simple(swapped(language, whole)), headline)
    yield made("wire, paragraphs dropped", "near", simple(whole), simple([*whole[:4], *whole[6:]]), headline)
    much = swapped(language, [CITY[language] + LEAD[language], *whole[1:4], *whole[5:], ADDED[language]])
    yield made("wire, much edited", "near", simple(whole), simple(much), headline)
    yield made("truncated", "near", simple(whole), truncated(whole, 0.62))
    yield made("correction", "near", simple(body), simple(corrected(body)))
    follow = [*other[:2], *body[-2:]]
    yield made("follow-up", "", simple(body), simple(follow), told["other"]["title"])
    yield made("same topic", "", simple(body), simple(other), told["other"]["title"])


def translation_pairs(story: dict[str, Any]) -> Iterator[Pair]:
    for part in ("body", "other"):
        texts = [
            story[language][part] if part == "body" else story[language]["other"]["body"]
            for language in LANGUAGES
        ]
        yield pair(
            "translation",
            "",
            entry(story["en"]["title"], simple(texts[0]), f"https://first.example/{story['name']}"),
            entry(story["zh"]["title"], simple(texts[1]), f"https://second.example/{story['name']}"),
        )


def template_pairs(template: dict[str, Any], chance: random.Random) -> Iterator[Pair]:
    """Reports of one form on different days or places: alike, and never the same."""
    for number in range(template["pairs"]):
        one, other = (filled(template, chance) for _ in range(2))
        links = (
            f"https://first.example/{template['name']}/{number}",
            f"https://second.example/{template['name']}/{number}",
        )
        yield pair(template["kind"], "", entry(*one, links[0]), entry(*other, links[1]))


def filled(template: dict[str, Any], chance: random.Random) -> tuple[str, str]:
    """Title and body with every slot `{name}` or `{from-to}` filled."""
    words = {name: chance.choice(values) for name, values in template.get("words", {}).items()}

    def fill(text: str) -> str:
        pieces = text.split("{")
        done = [pieces[0]]
        for piece in pieces[1:]:
            slot, _, rest = piece.partition("}")
            low, dash, high = slot.partition("-")
            done.append(f"{chance.randint(int(low), int(high)) if dash else words[slot]}{rest}")
        return "".join(done)

    return fill(template["title"]), simple([fill(paragraph) for paragraph in template["body"]])


def stranger_pairs(stories: list[dict[str, Any]]) -> Iterator[Pair]:
    """Different stories, side by side in one paper with the same closing line."""
    for language in LANGUAGES:
        for one, other in zip(stories, stories[1:] + stories[:1], strict=True):
            first, second = one[language], other[language]
            yield pair(
                "different stories",
                "",
                entry(
                    first["title"],
                    simple([*first["body"], ADDED[language]]),
                    f"https://first.example/{one['name']}",
                ),
                entry(
                    second["title"],
                    simple([*second["body"], ADDED[language]]),
                    f"https://second.example/{other['name']}",
                ),
            )


def digest_pairs(stories: list[dict[str, Any]]) -> Iterator[Pair]:
    """A story, and a letter that gives the beginnings of five stories, this one among them."""
    for language in LANGUAGES:
        for at, story in enumerate(stories):
            told = story[language]
            others = [(stories * 2)[at + step][language] for step in range(5)]
            letter = [f"{one['title']}. {one['body'][0]}" for one in others]
            links = (f"https://first.example/{story['name']}", f"https://second.example/letter/{at}")
            yield pair(
                "digest",
                "",
                entry(told["title"], simple(told["body"]), links[0]),
                entry(f"{others[0]['title']}; {others[1]['title']}", simple(letter), links[1]),
            )


def pairs() -> Iterator[Pair]:
    stories = tomllib.loads((FOLDER / "stories.toml").read_text("utf-8"))["stories"]
    templates = tomllib.loads((FOLDER / "templates.toml").read_text("utf-8"))["templates"]
    for story in stories:
        for language in LANGUAGES:
            yield from story_pairs(story, language)
        yield from translation_pairs(story)
    yield from stranger_pairs(stories)
    yield from digest_pairs(stories)
    for template in templates:
        yield from template_pairs(template, random.Random(template["name"]))


def written() -> str:
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in pairs())
