"""Handing out the outputs, by a command of its own or by the daemon, and telling how the program is."""

import json
import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aggregator.config import Settings
from aggregator.errors import ServeError, StoreError
from aggregator.pipeline import ENDED, now
from aggregator.serve.app import create_app
from aggregator.serve.server import Server
from aggregator.store import Store

log = logging.getLogger(__name__)


def application(settings: Settings, store: Store) -> Starlette:
    """The outputs, and `/healthz`."""

    def healthz(_request: Request) -> Response:
        status, facts = health(store, now())
        body = json.dumps(facts) + "\n"
        return Response(body, status, {"Cache-Control": "no-store"}, media_type="application/json")

    return create_app(settings.outputs, [Route("/healthz", healthz, methods=["GET", "HEAD"])])


def health(store: Store, moment: datetime) -> tuple[int, dict[str, object]]:
    """An HTTP status and what is behind it: whether the storage can be read, when a pass last ended."""
    try:
        last = store.get_meta(ENDED)
    except StoreError:
        log.exception("the storage cannot be read")
        return 503, {"status": "the storage cannot be read"}
    if last is None:
        return 200, {"status": "ok", "last_pass": None, "seconds_since": None}
    seconds = round((moment - datetime.fromisoformat(last)).total_seconds())
    return 200, {"status": "ok", "last_pass": last, "seconds_since": max(seconds, 0)}


def serve(settings: Settings, store: Store, ready: Callable[[str], None]) -> None:
    """Hand out until SIGTERM or SIGINT; `ready` is told the address. Raises ServeError."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: stop.set())
    with Server(application(settings, store), settings.bind) as server:
        ready(server.url)
        stop.wait()


class Attendant:
    """The daemon's server: runs as the settings say, and again elsewhere when they change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._server: Server | None = None
        self._wanted: tuple[object, ...] | None = None
        self._problem = ""
        self._closed = False
        self._lock = threading.Lock()

    def follow(self, settings: Settings) -> None:
        """Serve, or stop, or move. An address that cannot be had is reported once, and tried again."""
        wanted = (settings.bind, settings.outputs) if settings.serve_in_daemon else None
        with self._lock:
            if self._closed or (wanted == self._wanted and (self._server or wanted is None)):
                return
            self._end()
            self._wanted = wanted
            if wanted is not None:
                self._begin(settings)

    def stop(self) -> None:
        """Finish the requests under way and hand out no more, whatever the settings say."""
        with self._lock:
            self._closed = True
            self._end()

    def _begin(self, settings: Settings) -> None:
        try:
            server = Server(application(settings, self._store), settings.bind)
            self._server = server.__enter__()
        except ServeError as error:
            if self._problem != str(error):
                log.warning("not serving: %s; tried again", error)
            self._problem = str(error)
        else:
            self._problem = ""
            log.info("serving %s at %s", settings.outputs, server.url)

    def _end(self) -> None:
        if self._server is not None:
            self._server.__exit__(None, None, None)
            self._server = None
