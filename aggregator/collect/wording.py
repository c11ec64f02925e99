"""What went wrong with a request, in a sentence; and addresses without their secrets. Pure."""

import re
import ssl
from collections.abc import Iterator
from http.client import HTTPException, LineTooLong, RemoteDisconnected
from http.client import IncompleteRead as BrokenOff
from urllib.parse import urlsplit, urlunsplit

from requests.exceptions import InvalidURL
from urllib3.exceptions import IncompleteRead, LocationParseError

from aggregator.errors import FetchError, LimitExceeded, Unreachable
from aggregator.options import SECRETS

# A message loses nothing if more is hidden in it than holds a secret, such as `session_id`, or `author`.
_SECRET_PARAMETER = re.compile(rf"([?&;][^=&;#]*(?:{SECRETS})[^=&;#]*=)[^&;#]+", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=//)[^/?#\s]*@")

_STATUS = {
    400: "it does not understand the request; check the address",
    401: "it wants authentication; set `auth` for this source",
    402: "it wants payment",
    403: "it refuses; it may block programs, or want `auth` or another `user_agent`",
    404: "there is nothing at this address; look for the feed's new one",
    405: "it does not allow GET; check the address",
    407: "the proxy wants authentication; put it into `proxy`",
    410: "the feed is gone for good, says its server; remove the source, or correct its address",
    429: "it was asked too often; its whole site is left alone for a while",
    451: "withheld for legal reasons",
    500: "it has an error of its own; tried again later",
    502: "the server behind it does not answer; tried again later",
    503: "it is overloaded or closed; its whole site is left alone for a while",
    504: "the server behind it does not answer; tried again later",
}

# OpenSSL's X509_V_ERR_* codes.
_CERTIFICATE = {
    9: "its certificate is not valid yet; check this machine's clock",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate comes from an authority that this machine does not trust",
    20: "its certificate comes from an authority that this machine does not trust, or an intermediate one "
    "is missing",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}
_TLS_ADVICE = "; tell its operator, or set verify = false for this source if you know why"


def shown(url: str) -> str:
    """An address as it may be shown and stored: without user, password, fragment and secret parameters."""
    return _SECRET_PARAMETER.sub(r"\1…", _USERINFO.sub("", url.partition("#")[0]))


def without_userinfo(url: str) -> str:
    """The address without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def status_sentence(url: str, status: int, reason: str | None) -> str:
    """What a failure status of `url` means and what to do about it."""
    family = {
        4: "it refuses the request; check the address",
        5: "it has an error of its own; tried again later",
    }
    advice = _STATUS.get(status) or family.get(status // 100, "that is no answer to a feed reader")
    words = re.sub(r"[^ -~]+", " ", reason or "")[:40].strip()
    return f"{shown(url)} answered {status}{' ' if words else ''}{words}: {advice}"


def explain(error: Exception, url: str) -> FetchError:
    """Put an error of the HTTP library into words. Its own errors pass as they are, with the address."""
    place = shown(url)
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, FetchError):
            return _with_place(cause, place)
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError):
            return FetchError(f"{place}: {_tls(cause)}")
        for kinds, sentence in _KINDS:
            if isinstance(cause, kinds):
                return FetchError(f"{place}: {sentence}")
    text = shown(re.sub(r"\s+", " ", str(error)))[:200]
    return FetchError(f"{place}: the request failed: {text or type(error).__name__}")


def _with_place(error: FetchError, place: str) -> FetchError:
    if place in str(error):
        return error
    if isinstance(error, Unreachable):
        return Unreachable(f"{place}: {error}", offline=error.offline)
    kind = type(error)
    return kind(
        f"{place}: {error}",
        status=error.status,
        retry_after=error.retry_after,
        fresh_for=error.fresh_for,
        url=error.url,
    )


_KINDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((RemoteDisconnected,), "it closed the connection without an answer; tried again later"),
    ((ConnectionResetError, BrokenPipeError), "it broke the connection; tried again later"),
    ((IncompleteRead, BrokenOff), "the answer broke off before its end; tried again later"),
    ((LineTooLong,), "its answer has a header line without end"),
    ((InvalidURL, LocationParseError, UnicodeError), "this is no address that can be asked; correct it"),
    ((HTTPException,), "its answer is not HTTP; check scheme and port"),
    ((TimeoutError,), "it did not answer in time; tried again later"),
)


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = _CERTIFICATE.get(
            error.verify_code, f"its certificate does not verify ({error.verify_message})"
        )
        return words + _TLS_ADVICE
    reason = (error.reason or "handshake failed").replace("_", " ").lower()
    return f"no encrypted connection: {reason}; check scheme and port"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was raised from, the library's ways of nesting included; roots last."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 30:
        item = waiting.pop(0)
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            waiting += [item.__cause__, item.__context__, getattr(item, "reason", None), *item.args]
    return iter(found)


def too_late(seconds: float) -> LimitExceeded:
    """The whole exchange took longer than `timeout`."""
    return LimitExceeded(f"it was not done within {seconds:g} s; raise `timeout` if the server is just slow")
