"""The lead image and where it was found."""

import pytest

from aggregator.model import Enclosure, Entry
from aggregator.refine import images

PROXIES = ("https://cors.example.dev/?",)
BODY = '<p><img src="https://e.org/first.jpg"><img src="https://e.org/second.jpg"></p>'


def lead(entry: Entry, body: str = "", base: str | None = "https://e.org/post/1") -> tuple[str | None, str]:
    return images.lead(entry, body, base, PROXIES)


def test_the_order_of_origins() -> None:
    """A seed file's own image, then what the feed names, then an image enclosure, then the body."""
    enclosure = Enclosure("https://e.org/enclosure.jpg", "image/jpeg")
    named = Entry(images=("/media.jpg",), enclosures=(enclosure,))
    seed = Entry(lead_image="https://e.org/file.jpg", images=("/media.jpg",))
    assert lead(seed, BODY) == ("https://e.org/file.jpg", "file")
    assert lead(named, BODY) == ("https://e.org/media.jpg", "media")
    assert lead(Entry(enclosures=(enclosure,)), BODY) == ("https://e.org/enclosure.jpg", "enclosure")
    assert lead(Entry(), BODY) == ("https://e.org/first.jpg", "body")
    assert lead(Entry(), "<p>none</p>") == (None, "")


def test_sound_is_no_image() -> None:
    """An enclosure counts only when its type says image."""
    entry = Entry(enclosures=(Enclosure("https://e.org/a.mp3", "audio/mpeg"), Enclosure("https://e.org/b")))
    assert lead(entry, BODY) == ("https://e.org/first.jpg", "body")


@pytest.mark.parametrize(
    "image",
    [
        '<img width="1" height="1" src="https://e.org/count.gif">',
        '<img src="https://s.w.org/images/core/emoji/14/72x72/1f600.png">',
        '<img class="wp-smiley" src="https://e.org/smile.png">',
        '<img src="data:image/png;base64,AAAA">',
        '<img src="https://feeds.feedburner.com/~r/x/~4/y">',
        '<img src="https://secure.gravatar.com/avatar/1">',
        '<img src="https://picsum.photos/400/300?random=1">',
        "<img>",
        '<img alt="x" src="">',
    ],
)
def test_what_is_no_real_image(image: str) -> None:
    """Pixels, emoji, faces, fallbacks and images without an address are passed over."""
    assert lead(Entry(), image + BODY) == ("https://e.org/first.jpg", "body")


def test_what_the_archive_did_is_undone() -> None:
    """Proxies are taken off, entities resolved, a random fallback is no image, a relative one neither."""
    assert lead(Entry(lead_image="https://cors.example.dev/?http://e.org/a.jpg"))[0] == "http://e.org/a.jpg"
    assert lead(Entry(lead_image="https://e.org/a?b=1&amp;c=2"))[0] == "https://e.org/a?b=1&c=2"
    assert lead(Entry(lead_image="https://picsum.photos/400/300?random=9")) == (None, "")
    assert lead(Entry(lead_image="a.jpg"), BODY, None) == ("https://e.org/first.jpg", "body")
    assert lead(Entry(lead_image="https://e.org/图 1.jpg"))[0] == "https://e.org/图%201.jpg"
