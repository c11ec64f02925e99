"""What feeds say of what surrounds an article: where it is talked about, what it answers, where it is.

Rules of this file: pure. RSS has a word for comments, RFC 4685 has those for Atom, and GeoRSS
(https://www.georss.org/) the point. The elements declare their namespaces themselves: few entries have any.
"""

from collections.abc import Iterator

from aggregator.model import Beside
from aggregator.publish.xmltext import element, empty

GEORSS_NS = "http://www.georss.org/georss"
THREAD_NS = "http://purl.org/syndication/thread/1.0"


def in_rss(beside: Beside) -> Iterator[str]:
    """The elements of an `item`."""
    if beside.comments:
        yield element("comments", beside.comments)
    yield from _point(beside)


def in_atom(beside: Beside) -> Iterator[str]:
    """The elements of an `entry`."""
    if beside.comments:
        yield empty("link", rel="replies", type="text/html", href=beside.comments)
    if beside.answers:
        answers = beside.answers
        yield empty(
            "thr:in-reply-to", **{"xmlns:thr": THREAD_NS}, ref=answers, href=answers, type="text/html"
        )
    yield from _point(beside)


def in_json(beside: Beside) -> dict[str, str]:
    """The extension of an item; empty where nothing is known."""
    values = {"comments": beside.comments, "in_reply_to": beside.answers, "point": beside.point}
    return {key: value for key, value in values.items() if value}


def _point(beside: Beside) -> Iterator[str]:
    if beside.point:
        yield element("georss:point", beside.point, **{"xmlns:georss": GEORSS_NS})
