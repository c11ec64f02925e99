"""Logs and what they never say."""

import io
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from aggregator import logs
from aggregator.options import redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:secret@a.example/f", "https://***@a.example/f"),
        ("GET http://token@a.example/f failed", "GET http://***@a.example/f failed"),
        ("https://a.example/f?token=abc&x=1", "https://a.example/f?token=***&x=1"),
        ("https://a.example/f?x=1&access_token=abc#y", "https://a.example/f?x=1&access_token=***#y"),
        ("https://a.example/f?key=abc", "https://a.example/f?key=***"),
        ("https://me:p@ss@a.example/f", "https://***@a.example/f"),
        (
            "https://a.example/f?access_key=abc&user_credentials=d",
            "https://a.example/f?access_key=***&user_credentials=***",
        ),
        ("https://a.example/f?keyword=abc", "https://a.example/f?keyword=abc"),
        (
            "https://a.example/f?author=me&design=1&passage=2",
            "https://a.example/f?author=me&design=1&passage=2",
        ),
        ("mail me@a.example", "mail me@a.example"),
    ],
)
def test_credentials_in_addresses_are_left_out(text: str, expected: str) -> None:
    """User, password and parameters that hold secrets are not repeated; the rest stays."""
    assert redact(text) == expected


@given(st.text())
def test_redacting_never_fails_and_is_done_once(text: str) -> None:
    """A redacted text stays as it is."""
    once = redact(text)
    assert redact(once) == once


def test_lines_are_json_and_redacted_where_there_is_no_terminal() -> None:
    """Every line is one JSON object that names its source, from our own and from libraries' loggers."""
    stream = io.StringIO()
    logs.configure(stream)
    messages = ["https://u:p@a.example/ is down"]
    structlog.get_logger().info("failed", source="A", error=messages[0], messages=messages)
    logging.getLogger("library").warning("at %s", "https://u:p@a.example/")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["source"], first["error"], first["level"]) == (
        "A",
        "https://***@a.example/ is down",
        "info",
    )
    assert first["messages"] == ["https://***@a.example/ is down"]
    assert second["event"] == "at https://***@a.example/"
