"""What feedparser does not read of podcasts: https://podcastindex.org/namespace/1.0, and lengths.

Rules of this file: pure. `Podcasting` is mixed into feedparser's parsers; its element handlers leave
plain values in the entry, which `episode` and `credits_of` turn into ours.
"""

import re
from collections.abc import Iterator
from typing import Any

from aggregator.model import Enclosure, Episode

Found = dict[str, Any]

NAMESPACES: dict[str, str] = {
    "https://podcastindex.org/namespace/1.0": "podcast",
    "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
}
"""Its name, and the one that it had at first; prefixes are as feedparser is to call it."""

# Roles of https://github.com/Podcastindex-org/podcast-namespace/blob/main/taxonomy.json whose bearers are
# named as authors; who cuts, mixes or designs is not.
CREDITS: dict[str, str] = {
    "": "a person without a role is a host",
    "host": "speaks",
    "co-host": "speaks",
    "guest host": "speaks",
    "guest": "speaks",
    "narrator": "speaks",
    "reporter": "speaks",
    "author": "wrote it",
    "writer": "wrote it",
}
MAX_DURATION = 30 * 86_400
_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,5}):)?(\d{1,7})(?:\.\d*)?")
_OF_EPISODES = frozenset(
    (
        "itunes_season",
        "podcast_season",
        "podcast_episode",
        "itunes_episode",
        "podcast_chapters",
        "podcast_transcripts",
    )
)
_WHOLE = re.compile(r"\d{1,6}")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,3})?")


class Podcasting:
    """Handlers for elements that may stand several times, or have both attributes and text."""

    def _start_podcast_transcript(self, attrs: dict[str, str]) -> None:
        self._noted("podcast_transcripts").append(dict(attrs))

    def _start_podcast_person(self, attrs: dict[str, str]) -> None:
        self._noted("podcast_persons").append(dict(attrs))
        self._open("podcast_person")

    def _end_podcast_person(self) -> None:
        name = self._close("podcast_person")
        if persons := self._noted("podcast_persons"):
            persons[-1]["name"] = name

    def _start_podcast_season(self, _: dict[str, str]) -> None:
        self._open("podcast_season")

    def _start_podcast_episode(self, _: dict[str, str]) -> None:
        self._open("podcast_episode")

    def _open(self, name: str) -> None:
        self.push(name, 1)  # type: ignore[attr-defined]  # of the parser that this is mixed into

    def _close(self, name: str) -> str:
        return str(self.pop(name) or "")  # type: ignore[attr-defined]  # as above

    def _noted(self, name: str) -> list[dict[str, str]]:
        """The list under a key of what is being read: an entry, or the feed."""
        context: Found = self._get_context()  # type: ignore[attr-defined]  # as above
        found = dict.get(context, name)
        if not isinstance(found, list):
            found = context[name] = []
        return found


def episode(found: Found) -> Episode | None:
    """Season, number, transcripts and chapters of an entry; None if it names none of them."""
    if _OF_EPISODES.isdisjoint(found):
        return None
    made = Episode(
        season=_first(found, ("itunes_season", "podcast_season"), _WHOLE),
        number=_first(found, ("podcast_episode", "itunes_episode"), _NUMBER),
        chapters=_address(dict.get(found, "podcast_chapters")),
        transcripts=tuple(_transcripts(found)),
    )
    return made if made != Episode() else None


def credits_of(found: Found) -> Iterator[str]:
    """The names of those who speak in an entry or wrote it."""
    for person in _dicts(found, "podcast_persons"):
        name = str(person.get("name") or "").strip()
        if name and str(person.get("role") or "").strip().lower() in CREDITS:
            yield name


def seconds(text: object) -> int | None:
    """A length as podcasts write it, "1:02:03", "62:03" or "3723", in whole seconds; None if it is none."""
    found = _CLOCK.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    length = hours * 3600 + minutes * 60 + rest
    return length if 0 < length <= MAX_DURATION else None


def _transcripts(found: Found) -> Iterator[Enclosure]:
    seen = set()
    for item in _dicts(found, "podcast_transcripts"):
        url = _address(item)
        if url and url not in seen:
            seen.add(url)
            yield Enclosure(url, item.get("type") or None, language=item.get("language") or None)


def _dicts(found: Found, key: str) -> list[Found]:
    value = dict.get(found, key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _address(item: object) -> str | None:
    url = dict.get(item, "url") if isinstance(item, dict) else None
    return url.strip() or None if isinstance(url, str) else None


def _first(found: Found, keys: tuple[str, ...], form: re.Pattern[str]) -> str | None:
    texts = (dict.get(found, key) for key in keys)
    return next(
        (text.strip() for text in texts if isinstance(text, str) and form.fullmatch(text.strip())), None
    )
