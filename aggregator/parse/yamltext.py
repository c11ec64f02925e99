"""The text of a front-matter header: read forgivingly, written exactly.

Rules of this file: only text and plain values; nothing is constructed from a YAML tag, no alias is
expanded more than once, and no header makes reading fail. The archive escapes nothing, so a header
that is no YAML is cut at its keys, and each value is taken as YAML if it is that, else as it stands.

YAML is read as a stream of events with libyaml where PyYAML has it: its composer recurses in C and a
deep header would end the process.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping

import yaml
from yaml.resolver import Resolver

Value = str | tuple[str, ...]
_Node = str | list["_Node"] | dict[str, "_Node"] | None

# Longer headers (a `data:` image) are cut at their keys at once: bounds what YAML costs.
WHOLE_CAP = 64 * 1024
_MAX_DEPTH = 6

# Control characters, line separators and what YAML forbids: one blank each (format.md "Title" 3).
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_CONTROLS_BUT_LAYOUT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

_KEY = re.compile(r"^([A-Za-z_][\w.-]*)[ \t]*:(?=[ \t\n]|\Z)", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*-[ \t]+(\S.*)$", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_PAIR = re.compile(r"([A-Za-z_][\w.-]{0,99}):(?: (?:'([^'\t\ufeff]*)'|(.+))?)?")
_DASH = " - "

_Loader: type[yaml.CBaseLoader] | type[yaml.BaseLoader] = (
    yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
)

# --- reading ----------------------------------------------------------------------------


def load(header: str, *, lists: frozenset[str], texts: frozenset[str]) -> dict[str, Value]:
    """The values of the keys named in `lists` and `texts` that `header` has.

    `header` is what stands between the two `---` lines, newlines as LF. Values are text on one
    line, blanks at the ends kept; those of `lists` are tuples without blank names. Never raises.
    """
    text = _CONTROLS_BUT_LAYOUT.sub(" ", header)
    chunks = _chunks(text, lists | texts)
    nodes = _simple(text)
    if nodes is None and len(text) <= WHOLE_CAP:
        nodes = _mapping(text)
    if nodes is None:
        nodes = {key: _value(key, chunk) for key, chunk in chunks.items()}
    values: dict[str, Value] = {}
    for key, node in nodes.items():
        if key in lists:
            values[key] = _names(node)
        elif key in texts:
            values[key] = _text(node, chunks.get(key, ""))
    return values


def has_keys(header: str) -> bool:
    """Whether `header` is empty or has anything that looks like a key."""
    return not header.strip() or _KEY.search(header) is not None or _mapping(header[:WHOLE_CAP]) is not None


def _chunks(text: str, keys: frozenset[str]) -> dict[str, str]:
    """For each of `keys` at the start of a line the text up to the next key; of equal keys the last."""
    chunks: dict[str, str] = {}
    previous: re.Match[str] | None = None
    for match in _KEY.finditer(text):
        if previous and previous[1] in keys:
            chunks[previous[1]] = text[previous.end() : match.start()]
        previous = match
    if previous and previous[1] in keys:
        chunks[previous[1]] = text[previous.end() :]
    return chunks


def _value(key: str, chunk: str) -> _Node:
    """The value of one key alone: as YAML if it is that, else as it stands."""
    nodes = _mapping(f"{key}:{chunk}")
    if nodes is not None and key in nodes:
        return nodes[key]
    items = _ITEM.findall(chunk)
    return [_raw(item) for item in items] if items else _raw(chunk)


def _raw(text: str) -> str:
    """A value that is no YAML: what stands between its quotes, or all of it, on one line."""
    text = " ".join(line.strip(" \t") for line in text.strip().split("\n"))
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _text(node: _Node, chunk: str) -> str:
    """A value that is to be one text; a list or mapping is taken as it was written (`[图] …`)."""
    if isinstance(node, str):
        return one_line(node)
    return "" if node is None else one_line(_raw(chunk))


def _names(node: _Node) -> tuple[str, ...]:
    """A value that is to be a list of texts; of several lists (Hexo: several paths) the first."""
    if isinstance(node, list) and any(isinstance(item, list) for item in node):
        node = node[0]
    items = node if isinstance(node, list) else [node]
    names = (_name(item) for item in items)
    return tuple(one_line(name) for name in names if name.strip())


def _name(node: _Node) -> str:
    if isinstance(node, dict):  # `- a: b`, which the archive would not have quoted
        return ", ".join(f"{key}: {value}" for key, value in node.items() if isinstance(value, str))
    return node if isinstance(node, str) else ""


def _simple(text: str) -> dict[str, _Node] | None:
    """What `_mapping` gives, for lines of `key: value` and lists as an archive has them; None for all else.

    Events of YAML cost as much as a seventh of all that a file does before it is stored.
    """
    nodes: dict[str, _Node] = {}
    items: list[_Node] | None = None
    key = ""
    for line in text.split("\n"):
        if items is not None and line.startswith(_DASH) and _is_plain(line[len(_DASH) :]):
            items.append(line[len(_DASH) :])
            nodes[key] = items
            continue
        match = _PAIR.fullmatch(line)
        if match is None or match[1] in _NULLS:
            return None
        key, quoted_text, word = match.groups()
        if word is not None and not _is_plain(word):
            return None
        nodes[key] = word if quoted_text is None else quoted_text
        items = [] if nodes[key] is None else None
    return nodes


def _is_plain(text: str) -> bool:
    """Whether a value is surely nothing but this text, unquoted as it is."""
    odd = not text or text[0] in _INDICATORS or text in _NULLS or "\t" in text
    return not odd and not _BREAKS.search(text)


def _mapping(text: str) -> dict[str, _Node] | None:
    """The YAML mapping that `text` is, every scalar as text; None if it is none."""
    try:
        events = iter(yaml.parse(text, Loader=_Loader))
        for event in events:
            if isinstance(event, yaml.MappingStartEvent):
                node = _build(events, event, {}, 0)
                return node if isinstance(node, dict) and _ends(events) else None
            if isinstance(event, yaml.NodeEvent):
                return None
    except (yaml.YAMLError, RecursionError):
        return None
    return None


def _ends(events: Iterator[yaml.Event]) -> bool:
    """Whether nothing but ends follows; reads on, so that what is broken further down shows."""
    return all(isinstance(event, yaml.DocumentEndEvent | yaml.StreamEndEvent) for event in events)


def _build(events: Iterator[yaml.Event], event: yaml.Event, anchors: dict[str, _Node], depth: int) -> _Node:
    """The node that begins with `event`. An alias is the very node that it names, never a copy."""
    if isinstance(event, yaml.AliasEvent):
        return anchors.get(event.anchor or "")
    if depth > _MAX_DEPTH:
        raise yaml.YAMLError("nested too deeply")
    node: _Node = None
    if isinstance(event, yaml.ScalarEvent):
        node = None if event.implicit[0] and event.value in _NULLS else event.value
    elif isinstance(event, yaml.SequenceStartEvent):
        node = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            node.append(_build(events, item, anchors, depth + 1))
    else:
        node = {}
        while not isinstance(item := next(events), yaml.MappingEndEvent):
            key = _build(events, item, anchors, depth + 1)
            value = _build(events, next(events), anchors, depth + 1)
            if isinstance(key, str):
                node[key] = value
    if isinstance(event, yaml.NodeEvent) and event.anchor:
        anchors[event.anchor] = node
    return node


# --- writing ----------------------------------------------------------------------------

# These begin something else than a plain scalar (YAML 1.2 section 7.3.3, c-indicator); `-`, `?` and
# `:` only before a blank, but a reader of the file need not know that.
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
# What ends a plain scalar or changes it.
_BREAKS = re.compile(r"^ | $|: |:$| #|\ufeff")
# Numbers of js-yaml 3 and 4 and of YAML 1.2 that YAML 1.1 takes for text: 0o14, 1e3, 089.
_NUMBER_12 = re.compile(
    r"[-+]?(?:0o[0-7_]+|0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"
    r"|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)"
)
_STRING_TAG = "tag:yaml.org,2002:str"
# PyYAML's own answer to what a plain scalar is in YAML 1.1.
_resolve: Callable[[type[yaml.Node], str, tuple[bool, bool]], str] = Resolver().resolve


def one_line(text: str) -> str:
    """`text` with each newline, control character and line separator as one blank."""
    return text if text.isprintable() else _CONTROLS.sub(" ", text)


def quoted(text: str) -> str:
    """`text` (one line) as a quoted scalar: `"…"` when it holds a `'`, else `'…'`."""
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@functools.lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """`text` (one line) as it stands where YAML 1.1 and 1.2 read it as that same string, else quoted."""
    safe = (
        text
        and text[0] not in _INDICATORS
        and not _BREAKS.search(text)
        and _resolve(yaml.ScalarNode, text, (True, False)) == _STRING_TAG
        and not _NUMBER_12.fullmatch(text)
    )
    return text if safe else quoted(text)


def plain_list(names: tuple[str, ...]) -> str:
    """The block list of `names` as it follows a key and colon, without a newline at its end."""
    return " " + "".join(f"\n - {plain(one_line(name))}" for name in names)


def address(url: str) -> str:
    """A URL in single quotes; what would end them, and blanks and braces, percent-encoded."""
    return "'" + one_line(url).translate(_ADDRESS) + "'"


_ADDRESS: Mapping[int, str] = str.maketrans({"'": "%27", " ": "%20", "{": "%7B", "}": "%7D"})
