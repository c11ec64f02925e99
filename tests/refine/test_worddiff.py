"""What an edit changed, word by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.refine import worddiff
from aggregator.refine.worddiff import diff, words


def marked(before: str, after: str) -> str:
    marks = {"same": "{}", "old": "[-{}-]", "new": "{{+{}+}}"}
    return "".join(marks[kind].format(text) for kind, text in diff(before, after))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("one two", "one two", "one two"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("It takes 25 minutes.", "It takes 35 minutes.", "It takes [-25-]{+35+} minutes."),
        ("cost 8.5 million", "cost 8.7 million", "cost [-8.5-]{+8.7+} million"),
        ("they don't know", "they won't know", "they [-don't-]{+won't+} know"),
        ("市议会周二决定关闭老桥。", "市议会周三晚决定关闭老桥。", "市议会周[-二-]{+三晚+}决定关闭老桥。"),
        ("从3月14日起绕行", "从3月16日起绕行", "从3月[-14-]{+16+}日起绕行"),
        ("テレビを買った", "カメラを買った", "[-テレビ-]{+カメラ+}を買った"),
        ("กข", "กค", "ก[-ข-]{+ค+}"),
        ("한국어 문장", "한국말 문장", "[-한국어-]{+한국말+} 문장"),
        ("Kept.\nGone line.\nKept too.", "Kept.\nKept too.", "Kept.\n[-Gone line.\n-]Kept too."),
    ],
)
def test_words_are_named_where_they_changed(before: str, after: str, expected: str) -> None:
    """Words of spaced scripts and characters of the others; numbers stay whole."""
    assert marked(before, after) == expected


def test_scraps_between_changes_are_not_shown_as_unchanged() -> None:
    """A blank, a comma or a little word that two sentences happen to share is part of the change."""
    assert (
        marked("on Tuesday in March", "by Friday in April") == "[-on Tuesday in March-]{+by Friday in April+}"
    )
    assert marked("张三的书", "李四的画") == "[-张三的书-]{+李四的画+}"


def test_emoji_and_accents_are_never_torn() -> None:
    """What people see as one character is one."""
    family, letter = "👩\u200d👩\u200d👧", "e\u0301"
    assert words(f"{family}{letter}x!") == [family, f"{letter}x", "!"]


_texts = st.lists(
    st.sampled_from(["word ", "other ", "Ende. ", "汉", "字", "。", "\n", "3.5", "👩\u200d👧", "e\u0301"]),
    max_size=30,
).map("".join)


@given(_texts | st.text(max_size=40), _texts | st.text(max_size=40))
def test_both_texts_can_be_read_off(before: str, after: str) -> None:
    """What stayed and went is the old text, what stayed and came the new one; words lose nothing."""
    changes = diff(before, after)
    assert "".join(text for kind, text in changes if kind != "new") == before
    assert "".join(text for kind, text in changes if kind != "old") == after
    assert "".join(words(before)) == before
    assert all(text for _, text in changes)


def test_huge_texts_are_shown_as_replaced() -> None:
    """Where words cannot be compared in good time, a stretch went and another came."""
    before, after = "a," * worddiff.LONG * 3, "b;" * worddiff.LONG * 3
    assert diff(before, after) == (("old", before), ("new", after))
