"""Standard input, output and error as programs may be given them: closed, full, of another encoding.

An edge: it opens and closes these three alone. What can be said to nobody ends no work.
"""

import io
import os
import sys

from aggregator.errors import OutputError

_NAMES = ("stdin", "stdout", "stderr")


def settle() -> None:
    """Open to nothing what is closed, and have printed as escapes what an encoding lacks.

    To be called before anything is opened: a socket or database would get the number of what is closed,
    and whatever is printed or started would get hold of it.
    """
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print lines on standard output. Raises BrokenPipeError, and OutputError for any other trouble."""
    try:
        print(text, flush=True)  # noqa: T201 - what this module is for
    except BrokenPipeError:  # who reads has enough
        raise
    except OSError as error:
        _silence(1)
        raise OutputError(error.strerror or str(error)) from error


def tell(line: str) -> None:
    """Print a line on standard error, if that takes it."""
    try:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - what this module is for
    except OSError:
        _silence(2)


def _silence(number: int) -> None:
    """Lead it to nothing: what is left in its buffer would fail again when the interpreter ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)
