"""What feeds say of a podcast's episode: season, number, transcripts, chapters.

Rules of this file: pure. RSS by https://podcastindex.org/namespace/1.0; Atom by links; JSON Feed by an
extension. How long files are is with the files, as one iTunes element would ask for all of them in the
channel. The elements declare their namespaces themselves: few feeds have any.
"""

from collections.abc import Iterator
from typing import Any

from aggregator.model import Episode
from aggregator.publish.xmltext import element, empty

PODCAST_NS = "https://podcastindex.org/namespace/1.0"
CHAPTERS = "application/json+chapters"
_PODCAST = {"xmlns:podcast": PODCAST_NS}


def in_rss(episode: Episode) -> Iterator[str]:
    """The elements of an `item`."""
    if episode.season:
        yield element("podcast:season", episode.season, **_PODCAST)
    if episode.number:
        yield element("podcast:episode", episode.number, **_PODCAST)
    if episode.chapters:
        yield empty("podcast:chapters", **_PODCAST, url=episode.chapters, type=CHAPTERS)
    for one in episode.transcripts:
        yield empty("podcast:transcript", **_PODCAST, url=one.url, type=one.type, language=one.language)


def in_atom(episode: Episode) -> Iterator[str]:
    """Links of an `entry`: RFC 4287 has no word for them but "related"."""
    for one in episode.transcripts:
        yield empty(
            "link", rel="related", type=one.type, href=one.url, hreflang=one.language, title="Transcript"
        )


def in_json(episode: Episode) -> dict[str, Any]:
    """The extension of an item; empty for what is no episode."""
    transcripts = [
        {
            key: value
            for key, value in (("url", one.url), ("mime_type", one.type), ("language", one.language))
            if value
        }
        for one in episode.transcripts
    ]
    values = {
        "season": episode.season,
        "episode": episode.number,
        "chapters": episode.chapters,
        "transcripts": transcripts,
    }
    return {key: value for key, value in values.items() if value}
