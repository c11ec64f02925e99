"""What a worker is told to do in tests of its death."""

import os
import signal
from dataclasses import dataclass

from aggregator.publish_files import Desk, Document, Draft


@dataclass(frozen=True, slots=True)
class Share:
    """Documents that a worker staged."""

    draft: Draft


def stage(desk: Desk, number: int) -> Share:
    """One file; whoever makes the third for the first time dies once it is staged."""
    died = desk.output.directory.parent / "died"
    draft = desk.draft([Document(f"{number}.txt", b"%d" % number, "page", str(number))])
    if number == 3 and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Share(draft)
