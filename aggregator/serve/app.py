"""The application: hands out the outputs folder to readers and browsers, and nothing else.

    GET or HEAD ─► which file ─► validators ─► 304, or the bytes, compressed if that is wanted

Every answer to a file has a strong ETag, which is the same for the same bytes, a Last-Modified,
and a Cache-Control. Further routes (health, metrics, search) are handed in.
"""

from collections.abc import AsyncIterator, Sequence
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from aggregator.serve.http import accepts_gzip, fails, not_modified
from aggregator.serve.outputs import Body, Outputs

CACHE_CONTROL = "public, max-age=300"
"""Readers and proxies may go without asking for five minutes, then a validator is enough."""

PIECE = 64 * 1024
"""Bytes that are handed to the network at a time."""

# Whatever a stranger's text may hold: no page of ours needs a script or anything from elsewhere.
_SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
}


def create_app(outputs: Path, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The application over the folder `outputs`; `routes` come before its files."""
    files = Outputs(outputs)

    def hand_out(request: Request) -> Response:
        return answer(files, request)

    return Starlette(routes=[*routes, Route("/{path:path}", hand_out, methods=["GET", "HEAD"])])


def answer(files: Outputs, request: Request) -> Response:
    """The answer to a request for a file: 200, 304, 308 to the folder's own address, or 404."""
    path = f"/{request.path_params['path']}"
    found = files.find(path)
    body = files.load(found) if found else None
    if found is None or body is None:
        if not path.endswith("/") and files.find(f"{path}/"):
            # Relative links of the page count from its folder. The new address is relative too:
            # what the client says of the host is not to be believed.
            name = quote(path.rsplit("/", 1)[-1], safe="")
            return Response(None, 308, {"Location": f"{name}/", **_SAFETY})
        return PlainTextResponse("There is no such page here.\n", 404, _SAFETY)
    return _represent(files, found, body, request)


def _represent(files: Outputs, path: str, body: Body, request: Request) -> Response:
    """The file in the encoding that the client takes, or 304 if it has that already."""
    headers = {"Cache-Control": CACHE_CONTROL, "Vary": "Accept-Encoding", **_SAFETY}
    packed = files.packed(path, body) if accepts_gzip(_field(request, "accept-encoding") or "") else None
    # The compressed form is another representation, so it has another strong tag (RFC 9110 8.8.3.3).
    etag = body.etag if packed is None else f'{body.etag[:-1]}-gzip"'
    headers |= {"ETag": etag, "Last-Modified": formatdate(int(body.modified), usegmt=True)}
    date = request.headers.get
    if fails(etag, body.modified, _field(request, "if-match"), date("if-unmodified-since")):
        return PlainTextResponse("The page is another by now.\n", 412, headers)
    if not_modified(etag, body.modified, _field(request, "if-none-match"), date("if-modified-since")):
        return Response(None, 304, headers)
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    data = packed if packed is not None else body.data
    headers |= {"Content-Type": body.type, "Content-Length": str(len(data))}
    return StreamingResponse(_pieces(b"" if request.method == "HEAD" else data), 200, headers)


async def _pieces(data: bytes) -> AsyncIterator[memoryview]:
    """The bytes little by little: but a piece of each answer is in memory twice, however slow its client."""
    view = memoryview(data)
    for start in range(0, len(data), PIECE):
        yield view[start : start + PIECE]


def _field(request: Request, name: str) -> str | None:
    """A field that is a list, whole: it may come in several lines (RFC 9110 5.3)."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if lines else None
