"""What an edit changed, word by word: for people, in any script. Pure.

Texts are compared by lines, lines that differ by sentences, sentences that differ by words. A word
of a script without blanks (Chinese, Japanese, Thai and the like) is a character, so that what
changed is named to the character there too. What two changes have between them is shown as
unchanged only if it is more than a scrap: a change that reads well is worth more than a short one.
"""

import difflib
from collections.abc import Iterator
from itertools import groupby
from typing import Literal

import regex

Kind = Literal["same", "old", "new"]
Change = tuple[Kind, str]

# Comparisons of words with words; where it would take more, a stretch is shown as replaced.
MOST = 4_000_000
# From here on words that come very often begin no match: it saves time, and little is lost.
LONG = 1_000
# Letters of the shortest lone word that is shown as unchanged between two changes.
SCRAP = 5

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(
    rf"""(?V1) \d+(?:[.,:]\d+)*                        # a number, a time
    | [{_UNSPACED}]\p{{M}}*                            # a character of a script without blanks
    | [\p{{Katakana}}ー]+
    | [\p{{L}}\p{{M}}\p{{N}}_--[{_UNSPACED}\p{{Katakana}}ー]]+(?:['’][\p{{L}}]+)?
    | \s+
    | \X""",
    regex.VERBOSE,
)
_SENTENCE = regex.compile(
    r"""(?:[^.!?。！？；] | [.!?](?![.!?"'”’)]{0,9}(?:\s|$)))*+  # no end within a number
    (?: [.!?]+["'”’)]*\s* | [。！？；]+[”’」』）]*\s* | $)""",
    regex.VERBOSE,
)
_LINE = regex.compile(r"[^\n]*(?:\n|$)")

_PATTERNS = (_LINE, _SENTENCE, _WORD)


def diff(before: str, after: str) -> tuple[Change, ...]:
    """What stayed, went and came, in reading order; what went stands before what came in its place.

    The old text is all that is "same" or "old", the new one all that is "same" or "new".
    """
    return tuple(_tidied(list(_compare(before, after, 0))))


def words(text: str) -> list[str]:
    """The words of a text with all that stands between them: together they are the text."""
    return _parts(text, len(_PATTERNS) - 1)


def _parts(text: str, level: int) -> list[str]:
    return [part for part in _PATTERNS[level].findall(text) if part]


def _compare(before: str, after: str, level: int) -> Iterator[Change]:
    one, two = _parts(before, level), _parts(after, level)
    if len(one) * len(two) > MOST:
        yield "old", before
        yield "new", after
        return
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=len(two) > LONG)
    for operation, from_one, to_one, from_two, to_two in matcher.get_opcodes():
        old, new = "".join(one[from_one:to_one]), "".join(two[from_two:to_two])
        if operation == "equal":
            yield "same", old
        elif operation == "replace" and level + 1 < len(_PATTERNS):
            yield from _compare(old, new, level + 1)
        else:
            yield "old", old
            yield "new", new


def _tidied(changes: list[Change]) -> Iterator[Change]:
    """The changes without scraps between them, each stretch as one."""
    shown = [change for change in changes if change[1]]
    whole: list[Change] = []
    for at, (kind, text) in enumerate(shown):
        between = 0 < at < len(shown) - 1
        whole += (
            [("old", text), ("new", text)]
            if kind == "same" and between and _is_scrap(text)
            else [(kind, text)]
        )
    for is_same, group in groupby(whole, key=lambda change: change[0] == "same"):
        stretch = list(group)
        kinds: tuple[Kind, ...] = ("same",) if is_same else ("old", "new")
        for kind in kinds:
            text = "".join(text for each, text in stretch if each == kind)
            if text:
                yield kind, text


def _is_scrap(text: str) -> bool:
    if "\n" in text:
        return False
    found = [word for word in words(text) if word[0].isalnum()]
    return not found or (len(found) == 1 and len(found[0]) < SCRAP)
