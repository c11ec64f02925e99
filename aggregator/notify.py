"""Messages to the service manager: sd_notify(3), spoken over its datagram socket.

Without `NOTIFY_SOCKET` in the environment every call does nothing.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress


class Notifier:
    """Tells systemd how the service is; `environ` names the socket."""

    def __init__(
        self, environ: Mapping[str, str] = os.environ, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._monotonic = monotonic
        self._fed = -1e9
        self._status = ""

    def ready(self, status: str) -> None:
        """The service is up."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """New settings are being read; `ready` follows."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1_000_000)}")

    def stopping(self) -> None:
        """No new work is begun."""
        self._send("STOPPING=1", "STATUS=stopping")

    def status(self, text: str) -> None:
        """Say what `systemctl status` shows; the same text is sent once."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def progress(self) -> None:
        """Feed the watchdog: work went on. Sent once a second at most."""
        if self._monotonic() - self._fed >= 1:
            self._fed = self._monotonic()
            self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        text = "\n".join(line.replace("\n", " ") for line in lines)
        with (
            suppress(OSError),  # work goes on, whether anybody hears of it or not
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
        ):
            channel.connect(self._address)
            channel.sendall(text.encode())
