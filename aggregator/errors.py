"""Every error that is this program's to report. The text of each is a sentence for people.

AggregatorError
├── SettingsError            feeds.toml cannot be used (all its problems at once)
├── StoreError               the database cannot be used
├── PublishError             an output cannot be written
├── ServeError               an address cannot be listened on
├── OutputError              standard output takes nothing
└── SourceError              one source failed; the others go on
    ├── FetchError           no document was obtained
    │   ├── Unreachable          no connection was made: no such host, refused, no network
    │   ├── ForbiddenAddress     the address is not one this program may talk to
    │   ├── LimitExceeded        too long, too large, too many redirects
    │   ├── HttpError            the server answered with a failure status
    │   └── Gone                 410: the source is to be asked no more
    ├── ParseError           a document was obtained that holds no feed or article
    └── WorkerError          a document was too much for the process that read it
"""

from dataclasses import dataclass
from pathlib import Path


class AggregatorError(Exception):
    """Base of every error that is this program's to report; its text is for people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the settings: where it is, what was found, what would be right."""

    where: str
    found: str
    right: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; {self.right}" if self.right else f"{self.where}: {self.found}"


class SettingsError(AggregatorError):
    """The settings file cannot be used; carries every problem found in it."""

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        lines = "\n".join(f"  {problem}" for problem in problems)
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(f"{file}: {len(problems)} {noun}\n{lines}")


class StoreError(AggregatorError):
    """The database cannot be opened, is too new, or refuses a write."""


class PublishError(AggregatorError):
    """An output cannot be written."""


class ServeError(AggregatorError):
    """The address to serve on cannot be listened on."""


class OutputError(AggregatorError):
    """Standard output takes nothing, as on a full disk."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot write to standard output ({reason}); send it somewhere else")


class SourceError(AggregatorError):
    """One source failed. The text is one line and says what to do where that is known."""


class FetchError(SourceError):
    """No document was obtained.

    `status` is the HTTP status if there was an answer, `url` where it came from, redirects followed;
    `retry_after` the seconds that the server asked for (RFC 9110 section 10.2.3), `fresh_for` the
    seconds for which it says that this very answer stands.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        fresh_for: float | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.fresh_for = fresh_for
        self.url = url


class Unreachable(FetchError):
    """No connection was made: the host was not found, or did not answer, or refused.

    `offline` is set where no other host could be reached either.
    """

    def __init__(self, message: str, *, offline: bool = False) -> None:
        super().__init__(message)
        self.offline = offline


class ForbiddenAddress(FetchError):
    """The host resolves to an address that this source may not reach."""


class LimitExceeded(FetchError):
    """A limit on the whole exchange was reached."""


class HttpError(FetchError):
    """The server answered with a failure status."""


class Gone(FetchError):
    """410: the server says that the feed will not come back."""


class ParseError(SourceError):
    """The document holds no feed, or the file no article."""


class WorkerError(SourceError):
    """Work on what a source sent took too long or too much memory, or its process died of it."""
