"""The `auth` of a source: which scheme, and where its secret lies.

    "basic:USER:env:VARIABLE"        the password in an environment variable
    "basic:USER:credential:NAME"     ... in the file $CREDENTIALS_DIRECTORY/NAME (systemd's LoadCredential)
    "bearer:env:VARIABLE"            the token likewise
    "bearer:credential:NAME"

Secrets are read when a request is made, never kept in the settings, and appear in no message.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aggregator.errors import FetchError

DIRECTORY_VARIABLE = "CREDENTIALS_DIRECTORY"
EXPECTED = (
    'write "basic:USER:env:VARIABLE", "basic:USER:credential:NAME", "bearer:env:VARIABLE" or '
    '"bearer:credential:NAME"'
)

_FORM = re.compile(
    r"(?:(?P<scheme>basic):(?P<user>[^:\x00-\x1f\x7f]*)|bearer)"
    r":(?P<place>env|credential):(?P<name>[^/\s\x00=]+)"
)


@dataclass(frozen=True, slots=True)
class Auth:
    """How to authenticate: `user` is for basic only, `name` is a variable or a file name."""

    scheme: Literal["basic", "bearer"]
    user: str
    place: Literal["env", "credential"]
    name: str


def parse_auth(text: str) -> Auth:
    """Read the settings' value. ValueError: it has another form; the text says what would be right."""
    match = _FORM.fullmatch(text)
    if match is None or match["name"] in {".", ".."}:
        raise ValueError(EXPECTED)
    return Auth(
        scheme="basic" if match["scheme"] else "bearer",
        user=match["user"] or "",
        place="env" if match["place"] == "env" else "credential",
        name=match["name"],
    )


def authorization(text: str, environment: Mapping[str, str]) -> str:
    """The value of the Authorization header (RFC 7617, RFC 6750). FetchError: the secret is not there."""
    try:
        auth = parse_auth(text)
    except ValueError as error:
        raise FetchError(f"auth cannot be used; {error}") from None
    secret = _secret(auth, environment)
    if auth.scheme == "bearer":
        return f"Bearer {secret}"
    return basic(auth.user, secret)


def basic(user: str, password: str) -> str:
    """A basic Authorization value, in UTF-8 (RFC 7617 section 2.1)."""
    return "Basic " + b64encode(f"{user}:{password}".encode("utf-8", "surrogateescape")).decode()


def _secret(auth: Auth, environment: Mapping[str, str]) -> str:
    if auth.place == "env":
        secret = environment.get(auth.name, "")
        if not secret:
            raise FetchError(f"auth: the environment variable {auth.name} is not set")
    else:
        secret = _credential(auth.name, environment.get(DIRECTORY_VARIABLE, ""))
    if re.search(r"[\x00-\x1f\x7f]", secret):
        raise FetchError(f"auth: the secret in {auth.name} holds control characters")
    return secret


def _credential(name: str, directory: str) -> str:
    if not directory:
        raise FetchError(
            f"auth: {DIRECTORY_VARIABLE} is not set; under systemd, add LoadCredential={name}:/path/to/secret"
        )
    try:
        secret = Path(directory, name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise FetchError(f"auth: the credential {name} cannot be read: {str(reason).lower()}") from None
    if not secret:
        raise FetchError(f"auth: the credential {name} is empty")
    return secret
