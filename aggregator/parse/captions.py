"""Descriptions by Media RSS, which feedparser takes for descriptions of the entry in HTML.

They are plain text unless they say so (https://www.rssboard.org/media-rss#media-description), and some
are of a picture.

Rules of this file: pure; `Captions` is mixed into feedparser's parsers.
"""


class Captions:
    """Tells what a picture shows from what an entry says, and plain text from HTML."""

    _of_picture = False

    def _start_media_content(self, attrs: dict[str, str]) -> None:
        kind = (attrs.get("medium") or attrs.get("type") or "").lower()
        self._of_picture = kind.startswith("image")
        super()._start_media_content(attrs)  # type: ignore[misc]  # of the parser that this is mixed into

    def _end_media_content(self) -> None:
        self._of_picture = False

    def _start_media_description(self, attrs: dict[str, str]) -> None:
        if self._of_picture:
            self.push("media_caption", 1)  # type: ignore[attr-defined]  # as above
            return
        html = "html" in attrs.get("type", "").lower()
        self._start_description({**attrs, "type": "text/html" if html else "text/plain"})  # type: ignore[attr-defined]  # as above

    def _end_media_description(self) -> None:
        if self._of_picture:
            self.pop("media_caption")  # type: ignore[attr-defined]  # as above
        else:
            self._end_description()  # type: ignore[attr-defined]  # as above
