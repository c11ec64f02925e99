"""The commonest elements of entries, those with nothing but text in them, without any machinery.

    begin ─► common and plain? ─► its text ─► finish ─► what feedparser's handlers make of it
                │                    │                     │
                └─ no ─► `Strict` ◄──┴─ an element in it ◄─┴─ something unusual is there already

Rules of this file: each function of `_EFFECTS` does to an entry what feedparser's handlers of that
name and `pop` do, in their order, or nothing at all; it then says False.
"""

from collections.abc import Callable
from typing import Any

from feedparser.util import FeedParserDict

from aggregator.parse.strict import BUGS, MAX_DEPTH, Strict
from aggregator.parse.strict_tools import Feedparser, parsed_date, repaired

_OF_GUIDS = frozenset(("isPermaLink",))


class Quick(Strict):
    """`Strict`, quicker."""

    def __init__(self, base: str, language: str | None, encoding: str) -> None:
        super().__init__(base, language, encoding)
        self._effects: dict[str, _Effect | None] = {}
        self._leaf = ""  # the name of the element that may turn out to be a leaf
        self._effect: _Effect | None = None
        self.written: dict[str, str] = {}
        self._pieces: list[str] = []

    def begin(self, name: str, written: dict[str, str]) -> None:
        """As in `Strict`."""
        if self._leaf:
            self._begin_after_all()
        start = self._starts.get(name) or self._named_start(name)
        key = start.key
        effect = self._effects[key] if key in self._effects else self._effect_of(key)
        if (
            effect is None
            or start.rare
            or (written and (key != "guid" or written.keys() != _OF_GUIDS))
            or not self._is_plain()
        ):
            super().begin(name, written)
        else:
            self._leaf, self._effect, self.written = name, effect, written

    def startPrefixMapping(self, prefix: str | None, uri: str | None) -> None:  # noqa: N802 - xml.sax's name
        """As in feedparser: of an element that begins, and so in one that is no leaf."""
        if self._leaf:
            self._begin_after_all()
        super().startPrefixMapping(prefix, uri)

    def characters(self, text: str) -> None:
        """As in `Strict`."""
        if self._leaf:
            self._pieces.append(text)
        else:
            super().characters(text)

    def finish(self, name: str) -> None:
        """As in `Strict`."""
        if self._leaf:
            text = "".join(self._pieces).strip()
            try:
                done = self._effect is not None and self._effect(self, text, self._starts[name].key)
            except BUGS:
                done = True
            if done:
                self._leaf = ""
                self._pieces.clear()
                self._around()
                return
            self._begin_after_all()
        super().finish(name)

    def _begin_after_all(self) -> None:
        """What was taken for a leaf is none."""
        name, pieces = self._leaf, self._pieces
        self._leaf, self._pieces = "", []
        super().begin(name, self.written)
        for piece in pieces:
            super().characters(piece)

    def _is_plain(self) -> bool:
        """Whether an entry is being read, and nothing of what feedparser keeps in mind is of another kind."""
        return bool(
            self.inentry
            and not self.incontent
            and self.baseuri == self._settled
            and self._level < MAX_DEPTH
            and not (self.insource or self.inimage or self.intextinput or self.svgOK)
            and not (self.decls or self.contentparams)
        )

    def _around(self) -> None:
        """Base and language are again those around the element."""
        if self.basestack and self.basestack[-1]:
            self.baseuri = self.basestack[-1]
        if self.langstack:
            self.lang = self.langstack[-1]

    def _effect_of(self, key: str) -> "_Effect | None":
        """What an element does that is called as feedparser's handlers are; None if handlers are ours."""
        effect, base = _EFFECTS.get(key, (_unknown, key))
        names = [f"_{side}_{name}" for name in (key, base) for side in ("start", "end")]
        known = effect is not _unknown
        same = all(getattr(Strict, name, None) is getattr(Feedparser, name, None) for name in names)
        has_handlers = any(hasattr(Strict, name) for name in names)
        self._effects[key] = effect if same and has_handlers == known else None
        return self._effects[key]


def _store(parser: Any, key: str, output: str) -> None:  # noqa: ANN401 - feedparser has no types
    entry, depth = parser.entries[-1], parser.depth + 1
    depths = parser.property_depth_map.setdefault(entry, {})
    if depth <= depths.get(key, depth):
        depths[key] = depth
        entry[key] = output


def _detail(parser: Quick, kind: str, output: str) -> FeedParserDict:
    language = parser.lang.replace("_", "-") if parser.lang else parser.lang
    return FeedParserDict(type=kind, language=language, base=parser.baseuri, value=output)


def _has_list(entry: FeedParserDict, key: str) -> bool:
    """Whether there is a list under a key, or nothing yet: any element can have the name of a key."""
    return isinstance(dict.get(entry, key, []), list)


def _read(parser: Any, text: str, key: str) -> str:  # noqa: ANN401 - as above
    return repaired(parser.resolve_uri(text) if text and key in parser.can_be_relative_uri else text)


def _unknown(parser: Any, text: str, key: str) -> bool:  # noqa: ANN401 - as above
    _store(parser, key, _read(parser, text, key))
    return True


def _title(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    is_html = not parser.version.startswith("atom") and parser.looks_like_html(text)
    output, depth = repaired(text), parser.depth + 1
    if not -1 < parser.title_depth <= depth:
        _store(parser, "title", output)
        parser.entries[-1]["title_detail"] = _detail(parser, "text/html" if is_html else "text/plain", output)
    if output:
        parser.title_depth = depth
    return True


def _description(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    entry = parser.entries[-1]
    if ("summary" in entry and not parser.hasContent) or parser._summaryKey == "content":  # noqa: SLF001 - feedparser's
        return False
    output = repaired(text)
    _store(parser, "summary", output)
    entry["summary_detail"] = _detail(parser, "text/html", output)
    parser._summaryKey = None  # noqa: SLF001 - as above
    return True


def _encoded(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    entry = parser.entries[-1]
    if not _has_list(entry, "content"):
        return False
    parser.hasContent = 1
    output = repaired(text)
    entry.setdefault("content", []).append(_detail(parser, "text/html", output))
    entry.setdefault("summary", output)
    return True


def _link(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    entry = parser.entries[-1]
    if not _has_list(entry, "links"):
        return False
    entry.setdefault("links", []).append(FeedParserDict(rel="alternate", type="text/html"))
    parser.store_link(entry, _read(parser, text, "link"))
    return True


def _guid(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    entry, output = parser.entries[-1], repaired(text)
    parser.guidislink = parser.written.get("isPermaLink", "true") == "true"
    _store(parser, "id", output)
    entry.setdefault("guidislink", parser.guidislink and "link" not in entry)
    if parser.guidislink:
        entry.setdefault("link", output)
    return True


def _published(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    return _date(parser, text, "published")


def _updated(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    return _date(parser, text, "updated")


def _date(parser: Any, text: str, key: str) -> bool:  # noqa: ANN401 - as above
    output = repaired(text)
    _store(parser, key, output)
    parser.entries[-1][f"{key}_parsed"] = parsed_date(output)
    return True


def _author(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    entry = parser.entries[-1]
    if not _has_list(entry, "authors") or not isinstance(dict.get(entry, "author", ""), str):
        return False
    entry.setdefault("authors", []).append(FeedParserDict())
    _store(parser, "author", repaired(text))
    parser.inauthor = 0
    parser._sync_author_detail()  # noqa: SLF001 - as above
    return True


def _category(parser: Any, text: str, _: str) -> bool:  # noqa: ANN401 - as above
    if not _has_list(parser.entries[-1], "tags"):
        return False
    tags = parser.entries[-1].setdefault("tags", [])
    term = repaired(text)
    if term and tags and not tags[-1]["term"]:
        tags[-1]["term"] = term
    elif term:
        parser._add_tag(term, None, None)  # noqa: SLF001 - as above
    return True


_Effect = Callable[[Quick, str, str], bool]
# By the keys of elements: what they do, and after which other handlers theirs are made.
_EFFECTS: dict[str, tuple[_Effect, str]] = {
    "title": (_title, "title"),
    "description": (_description, "description"),
    "content_encoded": (_encoded, "content_encoded"),
    "link": (_link, "link"),
    "guid": (_guid, "guid"),
    "id": (_guid, "guid"),
    "pubdate": (_published, "published"),
    "published": (_published, "published"),
    "updated": (_updated, "updated"),
    "dc_date": (_updated, "updated"),
    "author": (_author, "author"),
    "dc_creator": (_author, "author"),
    "category": (_category, "category"),
    "dc_subject": (_category, "category"),
}
