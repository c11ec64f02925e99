"""feedparser's strict parser, with less work for each element.

Rules of this file: what is found is what feedparser finds. What feedparser does at every element
(names, bases, text) is done once for each name here, and without its detours for parsers and
options that are not ours; what is rare goes feedparser's own way.
"""

import re
from xml.sax.saxutils import escape

from feedparser.util import FeedParserDict

from aggregator.parse.captions import Captions
from aggregator.parse.podcasts import Podcasting
from aggregator.parse.strict_tools import (
    LONGEST_NAME,
    MOST_NAMES,
    End,
    Feedparser,
    QuickDict,
    Start,
    attributes,
    names_under,
    pair,
    quick_resolve,
    repaired,
    stays,
)

MAX_DEPTH = 500
"""Elements within elements; real feeds with XHTML bodies stay under 60."""

MOST_TAGS = 500
"""Categories of one entry."""

# What feedparser raises at elements in places where it does not expect them (a `gml:posList` outside of
# a `georss:where`). Such an element says nothing then; the entry and the feed stay.
BUGS = (KeyError, IndexError, TypeError, ValueError, AttributeError)

_XHTML = "application/xhtml+xml"
_DIVS = frozenset(("xhtml:div", "div"))
_SCOPING = frozenset(("xml:base", "base", "xml:lang", "lang"))
_ROOTS = frozenset(("feed", "rss", "rdf:rdf"))
_OF_TEXT_INPUT = frozenset(("title", "link", "description", "name"))
_OF_IMAGE = frozenset(("title", "link", "description", "url", "href", "width", "height"))
_FOREIGN = {"math": "http://www.w3.org/1998/Math/MathML", "svg": "http://www.w3.org/2000/svg"}
_USERLAND = "http://backend.userland.com/rss"
_TAGS = frozenset(("category", "tags", "itunes_keywords"))
_REFERENCE = re.compile("&([A-Za-z0-9_]+);")
_SVG = re.compile("(?:[^:]*:)?svg")


class TooDeepError(Exception):
    """The document nests elements deeper than `MAX_DEPTH`."""


class Fresh(Captions, Podcasting):
    """Lets no entry be read differently because of what stood before it in the feed."""

    hasContent: int  # noqa: N815 - feedparser's name
    guidislink: int

    def _start_item(self, attrs: dict[str, str]) -> None:
        self.hasContent = 0  # a channel with both a description and an itunes:summary leaves it at 1
        super()._start_item(attrs)  # type: ignore[misc]  # of the parser that this is mixed into

    _start_entry = _start_item

    def _start_guid(self, attrs: dict[str, str]) -> None:
        """As in feedparser, whatever case isPermaLink is written in."""
        permalink = attrs.get("ispermalink", "true").strip().lower()
        super()._start_guid({**attrs, "ispermalink": permalink})  # type: ignore[misc]  # as above

    _start_id = _start_guid

    def _add_tag(self, term: str | None, scheme: str | None, label: str | None) -> None:
        """As in feedparser, which compares each with all before: more than anybody reads go."""
        if len(dict.get(self._get_context(), "tags") or ()) < MOST_TAGS:  # type: ignore[attr-defined]  # as above
            super()._add_tag(term, scheme, label)  # type: ignore[misc]  # as above

    def _end_link(self) -> None:
        """An empty link is none: the guid may be the link."""
        super()._end_link()  # type: ignore[misc]  # as above
        context: dict[str, str] = self._get_context()  # type: ignore[attr-defined]  # as above
        if dict.get(context, "link") == "":
            dict.pop(context, "link")
            if self.guidislink and (name := dict.get(context, "id")):
                context["link"] = name


class Strict(Fresh, Feedparser):  # type: ignore[misc]  # feedparser has no types
    """The parser; `begin`, `finish` and `characters` are for expat, which knows namespaces and prefixes."""

    resolve_relative_uris = sanitize_html = False
    # Of feedparser's, whose types nobody knows:
    decls: dict[str, str]
    baseuri: str
    lang: str | None
    contentparams: FeedParserDict

    def __init__(self, base: str, language: str | None, encoding: str) -> None:
        super().__init__(base, language, encoding)
        self.feeddata: FeedParserDict = QuickDict(**self.feeddata)
        self._level = 0
        self._settled = ""  # a base that resolving against itself leaves as it is
        self._starts, self._ends = names_under(self.namespacemap, self.namespaces_in_use)
        self._keys: dict[str, tuple[str, str]] = {}

    def _start_item(self, attrs: dict[str, str]) -> None:
        """As in feedparser, with a dict of ours."""
        self.hasContent = 0
        self.entries.append(QuickDict())
        self.push("item", 0)
        self.inentry = 1
        self.guidislink = 0
        self.title_depth = -1
        about = self._get_attribute(attrs, "rdf:about")
        if about:
            self._get_context()["id"] = about
        self._cdf_common(attrs)

    _start_entry = _start_item

    # --- names --------------------------------------------------------------------------

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        """As in feedparser; names read differently after a new namespace."""
        before = (self.namespacemap.copy(), self.namespaces_in_use.copy())
        super().track_namespace(prefix, uri)
        if before != (self.namespacemap, self.namespaces_in_use):
            self._starts, self._ends = names_under(self.namespacemap, self.namespaces_in_use)

    def _named_start(self, name: str) -> Start:
        space, local = pair(name)
        if _USERLAND[7:] in space.lower():
            space = _USERLAND
        local = local.lower()
        xmlns = space if space and _FOREIGN.get(local) == space else ""
        tag = self._tag(space, local)
        prefix, key = self._key(tag)
        start = Start(
            tag,
            key,
            f"_start_{key}",
            leaves_text_input=not prefix and tag not in _OF_TEXT_INPUT,
            leaves_image=not prefix and tag not in _OF_IMAGE,
            xmlns=xmlns,
            rare=bool(xmlns) or tag in _ROOTS,
        )
        if len(self._starts) < MOST_NAMES and len(name) < LONGEST_NAME:
            self._starts[name] = start
        return start

    def _named_end(self, name: str) -> End:
        tag = self._tag(*pair(name))
        _, key = self._key(tag)
        end = End(tag, key, f"_end_{key}", is_svg=_SVG.fullmatch(tag) is not None)
        if len(self._ends) < MOST_NAMES and len(name) < LONGEST_NAME:
            self._ends[name] = end
        return end

    def _tag(self, space: str, local: str) -> str:
        """The name with feedparser's prefix for its namespace, else the document's, else none."""
        prefix = self._matchnamespaces.get(space.lower())
        if not prefix and space:
            prefix = next((name for name, uri in self.namespaces_in_use.items() if name and uri == space), "")
        return f"{prefix}:{local}".lower() if prefix else local.lower()

    def _key(self, tag: str) -> tuple[str, str]:
        """The prefix that methods of feedparser are named after, and their name."""
        before, colon, after = tag.partition(":")
        prefix, suffix = (before, after) if colon else ("", tag)
        prefix = self.namespacemap.get(prefix, prefix)
        return prefix, f"{prefix}_{suffix}" if prefix else suffix

    # --- elements -----------------------------------------------------------------------

    def begin(self, name: str, written: dict[str, str]) -> None:
        """An element begins; raises TooDeepError."""
        self._level += 1
        if self._level > MAX_DEPTH:
            raise TooDeepError
        try:
            self._begin(
                self._starts.get(name) or self._named_start(name), written and attributes(written, self._keys)
            )
        except BUGS:
            return

    def _begin(self, start: Start, attributes: dict[str, str]) -> None:
        if start.rare or self.decls or (attributes and not _SCOPING.isdisjoint(attributes)):
            xmlns = {"xmlns": start.xmlns} if start.xmlns else {}
            declared, self.decls = self.decls, {}
            self.unknown_starttag(start.tag, list({**declared, **xmlns, **attributes}.items()))
            return
        self.depth += 1
        if self.baseuri != self._settled:
            before, self.baseuri = self.baseuri, quick_resolve(self.baseuri, self.baseuri) or self.baseuri
            self._settled = before if before == self.baseuri else self._settled
        self.basestack.append(self.baseuri)
        self.langstack.append(self.lang)
        if self.incontent and self._is_inline(start.tag, attributes):
            return
        if start.leaves_text_input:
            self.intextinput = 0
        if start.leaves_image:
            self.inimage = 0
        method = getattr(self, start.handler, None)
        if method is not None:
            try:
                method(attributes)
            except AttributeError:
                pass
            else:
                return
        if attributes:
            self._get_context()[start.key] = attributes
        else:
            self.push(start.key, 1)

    def _is_inline(self, tag: str, attributes: dict[str, str]) -> bool:
        """Whether an element is part of a content, which then has it as text."""
        params = self.contentparams
        if not dict.get(params, "type", "xml").endswith("xml"):
            if tag in _DIVS:
                return True
            params["type"] = _XHTML
        if dict.get(params, "type") != _XHTML:
            return False
        prefix, colon, local = tag.partition(":")
        written = list(attributes.items())
        if colon:
            tag = local
            space = self.namespaces_in_use.get(prefix, "")
            if _FOREIGN.get(tag) == space:
                written.append(("xmlns", space))
        if tag == "svg":
            self.svgOK += 1
        self.handle_data(f"<{tag}{self.strattrs(written)}>" if written else f"<{tag}>", escape=0)
        return True

    def finish(self, name: str) -> None:
        """An element ends."""
        self._level -= 1
        try:
            self._finish(self._ends.get(name) or self._named_end(name))
        except BUGS:
            return

    def _finish(self, end: End) -> None:
        if end.is_svg and self.svgOK:
            self.svgOK -= 1
        method = None if self.svgOK else getattr(self, end.handler, None)
        if method is None:
            self.pop(end.key)
        else:
            try:
                method()
            except AttributeError:
                self.pop(end.key)
        if self.incontent and self._is_inline_end(end.tag):
            return
        self._leave()

    def _leave(self) -> None:
        """Base and language are again those around the element."""
        if self.basestack:
            self.basestack.pop()
            if self.basestack and self.basestack[-1]:
                self.baseuri = self.basestack[-1]
        if self.langstack:
            self.langstack.pop()
            if self.langstack:
                self.lang = self.langstack[-1]
        self.depth -= 1

    def _is_inline_end(self, tag: str) -> bool:
        """Has the end tag in a content as text; whether feedparser forgets to leave the element."""
        params = self.contentparams
        if not dict.get(params, "type", "xml").endswith("xml"):
            if tag in _DIVS:
                return True
            params["type"] = _XHTML
        if dict.get(params, "type") == _XHTML:
            self.handle_data(f"</{tag.rpartition(':')[2]}>", escape=0)
        return False

    # --- text ---------------------------------------------------------------------------

    def characters(self, text: str) -> None:
        """Text between elements."""
        if self.elementstack:
            params = self.contentparams
            if params and dict.get(params, "type") == _XHTML:
                text = escape(text)
            self.elementstack[-1][2].append(text)

    def push_content(self, tag: str, attrs_d: dict[str, str], default_type: str, expecting: int) -> None:
        """As in feedparser."""
        self.incontent += 1
        if self.lang:
            self.lang = self.lang.replace("_", "-")
        kind = self.map_content_type(attrs_d.get("type", default_type))
        is_text = kind.startswith("text/") or kind.endswith(("+xml", "/xml"))
        encoded = int(not is_text or attrs_d.get("mode", "") == "base64")
        self.contentparams = FeedParserDict(type=kind, language=self.lang, base=self.baseuri, base64=encoded)
        self.push(tag, expecting)

    def pop(self, element: str, strip_whitespace: int = 1) -> str | None:
        """The text of an element, stored where it belongs; None if another element is the innermost."""
        stack, params = self.elementstack, self.contentparams
        if not stack or stack[-1][0] != element:
            return None
        kind = dict.get(params, "type")
        if dict.get(params, "base64") or (kind == _XHTML and self.version == "atom10"):
            found: str | None = super().pop(element, strip_whitespace)
            return found
        _, expecting_text, pieces = stack.pop()
        output = pieces[0] if len(pieces) == 1 else "".join(pieces)
        if strip_whitespace:
            output = output.strip()
        if not expecting_text:
            return output
        if output and element in self.can_be_relative_uri:
            output = self.resolve_uri(output)
        if params:
            if kind == "text/plain" and not self.version.startswith("atom") and self.looks_like_html(output):
                params["type"] = "text/html"
            dict.pop(params, "mode", None)
            dict.pop(params, "base64", None)
        output = repaired(output)
        if element not in _TAGS and (element != "title" or not -1 < self.title_depth <= self.depth):
            self._store(element, output)
        return output

    def resolve_uri(self, uri: str) -> str:
        """As in feedparser; most addresses stay as they are."""
        if stays(uri, self.baseuri):
            return uri
        found: str = super().resolve_uri(uri)
        return found

    @staticmethod
    def looks_like_html(text: str) -> bool:
        """As in feedparser, which looks for an end tag or a reference first."""
        if "</" not in text and "&" not in text:
            return False
        return bool(Feedparser.looks_like_html(text))

    def _store(self, element: str, output: str) -> None:
        if self.inentry and not self.insource:
            entry = self.entries[-1]
            if element == "content":
                entry.setdefault(element, [])
                entry[element].append(self._detail(output))
            elif element == "link":
                if not self.inimage:
                    self._store_link(entry, output)
            else:
                element = "summary" if element == "description" else element
                depths = self.property_depth_map.setdefault(entry, {})
                if self.depth <= depths.get(element, self.depth):
                    depths[element] = self.depth
                    entry[element] = output
                if self.incontent:
                    entry[element + "_detail"] = self._detail(output)
        elif self.infeed or self.insource:
            self._store_of_feed("subtitle" if element == "description" else element, output)

    def _store_link(self, entry: FeedParserDict, output: str) -> None:
        if "&" in output:
            output = _REFERENCE.sub(r"&\g<1>", output.replace("&amp;", "&"))
        entry["link"] = output
        if output:
            entry["links"][-1]["href"] = output

    def _store_of_feed(self, element: str, output: str) -> None:
        context = self._get_context()
        context[element] = output
        if element == "link":
            output = _REFERENCE.sub(r"&\g<1>", output)
            context[element] = output
            context["links"][-1]["href"] = output
        elif self.incontent:
            context[element + "_detail"] = self._detail(output)

    def _detail(self, output: str) -> FeedParserDict:
        detail = FeedParserDict(self.contentparams)
        dict.__setitem__(detail, "value", output)
        return detail
