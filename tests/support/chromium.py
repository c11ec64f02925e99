"""Pages opened in real headless Chromium with a trap: what ran, what was asked for.

A page is served from loopback with a policy (CSP level 3, report-only) that allows one script,
ours, and images and players. Whatever else runs or loads fires an event, which our script
collects; nothing is blocked, so that one step can lead to the next.
"""

import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loopback import Reply, Server

from aggregator.model import Document, Entry, Refined, Text
from aggregator.refine import policy
from aggregator.refine.entries import Context, refine

CONTEXT = Context(url="https://e.example/feed", now=datetime(2026, 11, 2, tzinfo=UTC))

NONCE = "c2Vzc2lvbg"
PLAYERS = " ".join(f"https://{host} https://*.{host}" for host in policy.PLAYERS)
CSP = (
    f"default-src 'none'; script-src 'nonce-{NONCE}'; style-src 'unsafe-inline'; img-src * data:; "
    f"media-src *; frame-src {PLAYERS}; base-uri 'none'; form-action 'none'"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--virtual-time-budget=8000",
    "--dump-dom",
)
# Runs before the pieces: collects what the policy objects to, and calls of what vectors like to call.
LISTEN = """
window.caught = [];
const note = (what) => window.caught.push(String(what).slice(0, 300));
document.addEventListener('securitypolicyviolation', (e) =>
  note(`${e.effectiveDirective} ${e.blockedURI} ${e.sample} ${e.target && e.target.outerHTML || ''}`));
for (const name of ['trap', 'alert', 'confirm', 'prompt', 'print', 'xss', 'netsparker'])
  Object.defineProperty(window, name, {value: (...args) => note(`called ${name}(${args})`), writable: false});
"""
# Does to everything in an element what people do with a mouse and keys.
TOUCH = """
const types = ['pointerenter', 'mouseover', 'mousemove', 'mousedown', 'focus', 'keydown', 'wheel', 'input',
  'toggle', 'animationstart', 'click'];
const stay = (event) => event.preventDefault();
const touch = (root) => {
  for (const element of root.querySelectorAll('*')) {
    if (element.tagName === 'A' && /^(https?|mailto):/.test(element.href))
      element.addEventListener('click', stay);
    for (const type of types) element.dispatchEvent(new MouseEvent(type, {bubbles: true, cancelable: true}));
    if (element.tagName === 'DETAILS') element.open = true;
    if (element.focus) element.focus();
  }
};
"""
# Runs after the pieces: touches everything, then reads and writes the markup as feed readers do.
REREAD = """
addEventListener('load', () => setTimeout(() => {
  const pieces = [...document.querySelectorAll('body > main > article[data-piece]')];
  pieces.forEach(touch);
  for (const piece of pieces) {
    const again = document.createElement('div');
    document.body.append(again);
    again.innerHTML = piece.innerHTML;
    again.innerHTML = again.innerHTML;
    touch(again);
    again.remove();
  }
  setTimeout(() => {
    const result = {pieces: pieces.length, caught: window.caught};
    document.documentElement.replaceChildren(JSON.stringify(result));
    document.documentElement.setAttribute('data-done', 'yes');
  }, 1500);
}, 500));
"""


@dataclass(frozen=True)
class Visit:
    """What came of opening pieces of HTML: how many were found whole, and what was caught."""

    pieces: int
    caught: tuple[str, ...]


def find() -> str | None:
    """The browser's path, if there is one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def vectors() -> list[str]:
    """The project's own corpus."""
    file = Path(__file__).parent.parent / "data" / "refine" / "xss.json"
    kinds: dict[str, list[str]] = json.loads(file.read_text("utf-8"))
    return [vector for kind in kinds.values() for vector in kind]


def refined(vector: str) -> Refined:
    """An article of an entry that holds `vector` wherever a source can put text."""
    text = Text(vector)
    entry = Entry(
        guid=vector,
        link=vector,
        title=text,
        authors=(vector,),
        body=text,
        summary=text,
        images=(vector,),
        tags=(vector,),
        rights=vector,
    )
    (article,) = refine(Document(entries=(entry,)), CONTEXT).articles
    return article


def shown(article: Refined) -> str:
    """The article as a page shows it: plain text escaped, addresses in attributes, the body as it is."""
    texts = (article.title, *article.authors, *article.tags, article.summary, article.rights or "")
    escaped = "".join(f"<p>{html.escape(text)}</p>" for text in texts)
    link = html.escape(article.link or "https://e.example/")
    image = html.escape(article.image or "https://e.example/i.png")
    title = html.escape(article.title)
    return f'{escaped}<a href="{link}" title="{title}">x</a><img src="{image}">{article.body}'


def page(pieces: Iterable[str]) -> bytes:
    """One page with each piece in an article of its own."""
    body = "\n".join(f'<article data-piece="{at}">{piece}</article>' for at, piece in enumerate(pieces))
    script = '<script nonce="{}">{}</script>'.format
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8">{script(NONCE, LISTEN)}</head>'
        f"<body><main>{body}</main>{script(NONCE, TOUCH + REREAD)}</body></html>"
    ).encode("utf-8", "replace")


def visit(pieces: Sequence[str], *, seconds: float = 120) -> Visit:
    """Open one page of all `pieces`, touch everything in it, and say what happened."""
    browser = find()
    assert browser is not None
    headers = {"Content-Security-Policy-Report-Only": CSP}
    answer = Reply(page(pieces), type="text/html; charset=utf-8", headers=headers)
    with Server({"/": answer, "*": Reply(status=404)}) as server, tempfile.TemporaryDirectory() as profile:
        dumped = subprocess.run(
            [browser, *FLAGS, f"--user-data-dir={Path(profile) / 'profile'}", server.url("/")],
            capture_output=True,
            timeout=seconds,
            check=True,
        ).stdout.decode("utf-8", "replace")
        asked = [request.target for request in server.requests]
    found = re.search(r"<html[^>]*data-done[^>]*>(.*)</html>", dumped, re.DOTALL)
    assert found is not None, dumped[:2000]
    result = json.loads(html.unescape(found[1]))
    strange = [f"asked for {target}" for target in asked if target not in {"/", "/favicon.ico"}]
    return Visit(result["pieces"], (*result["caught"], *strange))


def problems(pieces: Sequence[str]) -> list[str]:
    """What runs or loads in `pieces`; a page of several that does is opened by halves to name the culprit."""
    found = visit(pieces)
    if not found.caught and found.pieces == len(pieces):
        return []
    if len(pieces) == 1:
        return [f"{pieces[0]!r}: {found}"]
    half = len(pieces) // 2
    return [*problems(pieces[:half]), *problems(pieces[half:])]
