"""Where the secrets of `auth` come from."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.collect.secrets import EXPECTED, Auth, authorization, parse_auth
from aggregator.errors import FetchError


@pytest.mark.parametrize(
    ("text", "auth"),
    [
        ("basic:me:env:PASSWORD", Auth("basic", "me", "env", "PASSWORD")),
        ("basic::env:PASSWORD", Auth("basic", "", "env", "PASSWORD")),
        (
            "basic:me@example.org:credential:feed-password",
            Auth("basic", "me@example.org", "credential", "feed-password"),
        ),
        ("bearer:env:TOKEN", Auth("bearer", "", "env", "TOKEN")),
        ("bearer:credential:token", Auth("bearer", "", "credential", "token")),
    ],
)
def test_forms(text: str, auth: Auth) -> None:
    """The four forms."""
    assert parse_auth(text) == auth


@pytest.mark.parametrize(
    "text",
    ["", "basic", "basic:me:secret", "bearer:s3cret", "digest:me:env:P", "bearer:credential:../shadow",
     "bearer:env:", "bearer:credential:..", "bearer:me:env:P", "basic:me:env:P\n"],
)  # fmt: skip
def test_other_forms_are_refused(text: str) -> None:
    """With the forms that would be right; a secret itself is none of them."""
    with pytest.raises(ValueError, match="write") as caught:
        parse_auth(text)
    assert str(caught.value) == EXPECTED


@pytest.mark.parametrize(
    ("text", "environment", "words"),
    [
        ("bearer:env:TOKEN", {}, "TOKEN is not set"),
        ("bearer:env:TOKEN", {"TOKEN": ""}, "TOKEN is not set"),
        ("bearer:env:TOKEN", {"TOKEN": "a\r\nX-Evil: 1"}, "control characters"),
        ("bearer:credential:token", {}, "LoadCredential=token"),
        ("bearer:credential:token", {"CREDENTIALS_DIRECTORY": "/nowhere"}, "no such file"),
        ("secret", {}, "cannot be used"),
    ],
)
def test_what_is_missing_is_named(text: str, environment: dict[str, str], words: str) -> None:
    """In a sentence, and without the secret."""
    with pytest.raises(FetchError, match=words) as caught:
        authorization(text, environment)
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_credential_that_holds_no_text(tmp_path: Path, content: bytes) -> None:
    """Empty, or not UTF-8."""
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(FetchError, match="credential token"):
        authorization("bearer:credential:token", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
def test_any_printable_secret_is_sent(secret: str) -> None:
    """A token goes out as it stands in the variable."""
    assert authorization("bearer:env:T", {"T": secret}) == f"Bearer {secret}"
