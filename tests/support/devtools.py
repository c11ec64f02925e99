"""Pages as they are served, opened in real headless Chromium, watched through its own DevTools protocol.

    with Browser() as browser:
        visit = browser.open("http://127.0.0.1:8000/index.html")

Whatever is parsed as a script, asked for, opened as a dialog or written to the console is noticed,
without anything put into the page but what touches its elements (`chromium.TOUCH`).
https://chromedevtools.github.io/devtools-protocol/
"""

import contextlib
import fcntl
import itertools
import json
import os
import select
import signal
import tempfile
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import chromium

Message = dict[str, Any]

OURS = "trap.js"
"""What our own script is called in the browser."""
_TRAP = f"""{chromium.TOUCH}
touch(document);
document.links.length + document.images.length + document.querySelectorAll('*').length;
//# sourceURL={OURS}"""
# Events that mean that a script ran or wanted to, and where each says what it was.
_ALARMS: dict[str, tuple[str, ...]] = {
    "Debugger.scriptParsed": ("url",),
    "Runtime.consoleAPICalled": ("type",),
    "Runtime.exceptionThrown": ("exceptionDetails", "text"),
    "Page.javascriptDialogOpening": ("message",),
    "Page.windowOpen": ("url",),
    "Page.frameRequestedNavigation": ("url",),
    "Target.attachedToTarget": ("targetInfo", "url"),
    "Page.downloadWillBegin": ("url",),
}
_LEFT_OUT = ("--virtual-time-budget", "--dump-dom")


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of opening a page: its elements, what was asked for, what ran or wanted to."""

    elements: int
    asked: tuple[str, ...]
    caught: tuple[str, ...]


class GoneError(Exception):
    """A page cannot be asked any more."""


class Browser:
    """One Chromium, talked to through two pipes. Names of hosts lead nowhere; addresses of loopback do."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._data = b""
        self._events: list[Message] = []

    def __enter__(self) -> Self:
        program = chromium.find()
        assert program is not None
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (theirs_in, self._out), (self._in, theirs_out) = os.pipe(), os.pipe()
        # The browser takes the descriptors 3 and 4; ours must not be these.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]
        flags = [flag for flag in chromium.FLAGS if not flag.startswith(_LEFT_OUT)]
        command = [program, *flags, "--remote-debugging-pipe", f"--user-data-dir={self._profile.name}/p"]
        actions = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(ends, 3)]
        silent = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        self._pid = os.posix_spawn(program, command, os.environ, file_actions=[*actions, silent])
        for end in (*ends, theirs_in, theirs_out):
            os.close(end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError, AssertionError, GoneError):
            self._ask("Browser.close")
        os.close(self._out)
        os.close(self._in)
        end = time.monotonic() + 10
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(0.01)
        self._profile.cleanup()

    def open(self, url: str, *, settle: float = 0.3) -> Visit:
        """Open a page, touch everything in it, and wait `settle` seconds for what that sets going."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Page", "Runtime", "Debugger"):
            self._ask(f"{domain}.enable", session)
        self._ask(
            "Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=False, flatten=True
        )
        self._events.clear()
        self._ask("Page.navigate", session, url=url)
        self._wait_for("Page.loadEventFired")
        try:
            count = self._ask("Runtime.evaluate", session, expression=_TRAP)["result"].get("value", 0)
        except GoneError:
            count = 0  # the page led elsewhere by itself, which is an alarm
        self._collect(settle)
        events = list(self._events)
        self._ask("Target.closeTarget", targetId=target)
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event.get("method") == "Network.requestWillBeSent"
        ]
        return Visit(count, tuple(asked), tuple(filter(None, map(_alarm, events))))

    def _ask(self, method: str, session: str = "", **params: object) -> Message:
        number = self._send(method, session, **params)
        while (answer := self._next(30)) is not None:
            if answer.get("id") == number:
                if "error" in answer:
                    raise GoneError(str(answer["error"]))
                result: Message = answer["result"]
                return result
            self._events.append(answer)
        raise AssertionError(f"no answer to {method}")

    def _send(self, method: str, session: str = "", **params: object) -> int:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        os.write(
            self._out, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0"
        )
        return number

    def _wait_for(self, method: str) -> None:
        while not any(event.get("method") == method for event in self._events):
            event = self._next(30)
            assert event is not None, method
            self._events.append(event)

    def _collect(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (event := self._next(end - time.monotonic())) is not None:
            self._events.append(event)

    def _next(self, seconds: float) -> Message | None:
        """The next message; None if there is none within so many seconds."""
        end = time.monotonic() + seconds
        while b"\0" not in self._data:
            if not select.select([self._in], [], [], max(end - time.monotonic(), 0))[0]:
                return None
            piece = os.read(self._in, 1 << 20)
            assert piece, "the browser is gone"
            self._data += piece
        first, _, self._data = self._data.partition(b"\0")
        message: Message = json.loads(first)
        if message.get("method") == "Page.javascriptDialogOpening":  # nothing goes on behind one
            self._send("Page.handleJavaScriptDialog", message["sessionId"], accept=True)
        return message


def _alarm(event: Message) -> str | None:
    path = _ALARMS.get(event.get("method", ""))
    if path is None:
        return None
    found: Any = event["params"]
    for step in path:
        found = found.get(step, "")
    return None if found == OURS else f"{event['method']} {str(found)[:300]}"
