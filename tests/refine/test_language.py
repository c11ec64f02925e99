"""Language tags."""

import pytest

from aggregator.refine import language


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("zh-cn", "zh-CN"),
        ("zh_CN", "zh-CN"),
        ("en-US.UTF-8", "en-US"),
        ("EN", "en"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("sl-rozaj-1994", "sl-rozaj-1994"),
        ("English", "en"),
        ("en, de", "en"),
        (" de ", "de"),
        ("und", None),
        ("", None),
        (None, None),
        ("x" * 50, None),
        ("<b>", None),
    ],
)
def test_tags_are_brought_into_form(given: str | None, expected: str | None) -> None:
    """BCP 47 with its usual case; what is no language is none."""
    assert language.tag(given) == expected


def test_the_entry_goes_before_its_feed() -> None:
    """The first that says something counts."""
    assert language.tag(None, "de", "en") == "de"
    assert language.tag("?", "en") == "en"
