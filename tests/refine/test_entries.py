"""Documents of entries become articles."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.model import Document, Enclosure, Entry, Origin, Refined, Text
from aggregator.refine.entries import MAX_VOID, Context, refine

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
CONTEXT = Context(url="https://harbour.example/feed.xml", now=NOW)
SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


def one(entry: Entry, context: Context = CONTEXT, **feed: object) -> Refined:
    """The article of a document of one entry."""
    refined = refine(Document(entries=(entry,), **feed), context)  # type: ignore[arg-type]  # fields by name
    assert refined.notes == ()
    (article,) = refined.articles
    return article


def test_files_are_not_without_end() -> None:
    """An entry keeps the first of its files, as many as fit into a feed beside others."""
    files = tuple(Enclosure(f"https://m.example/{n}/{'a' * 980}") for n in range(1_000))
    kept = one(Entry(guid="g", title=Text("T"), enclosures=files)).enclosures
    assert 90 < len(kept) < 110
    assert [file.url for file in kept] == [file.url for file in files[: len(kept)]]


def test_an_entry_comes_out_whole() -> None:
    """Every field is cleaned, made absolute and named."""
    article = one(
        Entry(
            guid="tag:harbour.example,2026:1",
            link="/news/1?utm_source=rss",
            title=Text("Ships &amp; <b>boats</b>"),
            authors=("Ann &lt;3", "Ann &lt;3", ""),
            published=NOW - timedelta(hours=2),
            updated=NOW - timedelta(hours=1),
            body=Text('<p>Text<script>x</script> <img src="/a.jpg"></p>'),
            summary=Text("<p>In <i>short</i></p>"),
            enclosures=(
                Enclosure("/pod.mp3", "audio/mpeg", 12),
                Enclosure("javascript:x"),
                Enclosure("/pod.mp3"),
            ),
            tags=("Sea", " sea ", "Sea"),
            language="en_gb",
            origin=Origin("Elsewhere <b>News</b>", "https://else.example/", "urn:x"),
            rights="© <a href=x>Harbour</a>",
        )
    )
    assert article == replace(
        article,
        key="g:tag:harbour.example,2026:1",
        guid="tag:harbour.example,2026:1",
        link="https://harbour.example/news/1",
        canonical_link="https://harbour.example/news/1",
        title="Ships & boats",
        authors=("Ann <3",),
        published=NOW - timedelta(hours=2),
        updated=NOW - timedelta(hours=1),
        body='<p>Text <img src="https://harbour.example/a.jpg"></p>',
        summary="In short",
        enclosures=(Enclosure("https://harbour.example/pod.mp3", "audio/mpeg", 12),),
        image="https://harbour.example/a.jpg",
        image_from="body",
        tags=("Sea", "sea"),
        language="en-GB",
        origin=Origin("Elsewhere News", "https://else.example/", "urn:x"),
        rights="© Harbour",
        fingerprint=None,
    )


def test_relative_addresses_follow_base_then_link_then_feed() -> None:
    """xml:base of the entry or feed, else the entry's link, else the site, else the feed's address."""
    body = Text('<img src="a.jpg">')
    link = "https://site.example/post/1/"
    assert (
        one(Entry(body=body, link=link, base="https://base.example/x/")).image
        == "https://base.example/x/a.jpg"
    )
    assert one(Entry(body=body, link=link), base="/sub/").image == "https://harbour.example/sub/a.jpg"
    assert one(Entry(body=body, link=link)).image == "https://site.example/post/1/a.jpg"
    assert one(Entry(body=body), link="https://site.example/").image == "https://site.example/a.jpg"
    assert one(Entry(body=body)).image == "https://harbour.example/a.jpg"
    assert one(Entry(body=body), replace(CONTEXT, url="file:///feed.xml")).image is None


def test_the_summary_stands_in_for_a_missing_body() -> None:
    """It is the body then, and not said twice."""
    article = one(Entry(body=Text(" "), summary=Text("<p>All there is</p>")))
    assert (article.body, article.summary) == ("<p>All there is</p>", "")
    assert one(Entry(body=Text("<p>b</p>"), summary=Text("<p>b</p>"))).summary == ""


def test_plain_bodies_become_paragraphs() -> None:
    """A body declared plain keeps its letters and gets its links."""
    article = one(Entry(body=Text("if a < b\n\nsee https://e.org/", html=False)))
    assert article.body == (
        '<p>if a &lt; b</p>\n<p>see <a href="https://e.org/" rel="noopener noreferrer">https://e.org/</a></p>'
    )


def test_dates_in_the_future_are_unknown() -> None:
    """The moment an article was first seen stands in; a small skew of clocks is none; old dates are kept."""
    future = one(Entry(title=Text("x"), published=NOW + timedelta(days=1), updated=NOW + timedelta(days=1)))
    assert (future.published, future.updated, future.notes) == (None, None, ("date-future",))
    assert one(Entry(title=Text("x"), published=NOW + timedelta(minutes=5))).published == NOW + timedelta(
        minutes=5
    )
    assert one(Entry(title=Text("x"), published=datetime(1950, 1, 1, tzinfo=UTC))).published is not None
    later = replace(CONTEXT, now=NOW + timedelta(days=9))
    again = one(Entry(title=Text("x"), published=NOW + timedelta(days=1)), later)
    assert (again.uid, again.exact_hash) == (future.uid, future.exact_hash)


def test_an_updated_date_stands_in_for_a_published_one() -> None:
    """Atom asks only for updated."""
    assert one(Entry(title=Text("x"), updated=NOW)).published == NOW


def test_seed_titles_keep_every_blank() -> None:
    """A seed file's title passes as it is, but for control characters; a feed's is tidied."""
    seed = Entry(guid="a/b.md", title=Text("  two  blanks \x01 ", html=False), categories=("A",))
    assert one(seed).title == "  two  blanks   "
    assert one(replace(seed, title=Text(" ", html=False))).title == " "
    assert one(Entry(title=Text("  two  blanks ", html=False))).title == "two blanks"


def test_a_path_is_no_part_of_a_seed_file_s_uid() -> None:
    """Two copies of a file in different folders are one article."""
    seed = Entry(guid="a/b.md", title=Text("t", html=False), body=Text("<p>b</p>"), categories=("A",))
    assert one(seed).uid == one(replace(seed, guid="c/d.md")).uid
    assert one(replace(seed, uid_prefix="0123abcd")).uid[:8] == "0123abcd"


def test_the_feed_speaks_for_its_entries() -> None:
    """Author, language and rights of the feed hold where an entry names none."""
    article = one(Entry(title=Text("x")), author="Ed &amp; Co", language="de", rights="CC0")
    assert (article.authors, article.language, article.rights) == (("Ed & Co",), "de", "CC0")


def test_a_link_to_the_front_page_identifies_nothing() -> None:
    """It is published and no identity."""
    article = one(Entry(title=Text("x"), link="https://www.harbour.example/"), link="http://harbour.example")
    assert (article.link, article.canonical_link) == ("https://www.harbour.example/", None)


def test_links_that_are_no_web_addresses_go() -> None:
    """javascript: and mailto: name no page."""
    assert one(Entry(title=Text("x"), link="javascript:alert(1)")).link is None
    assert one(Entry(title=Text("x"), link="mailto:a@e.org")).link is None


def test_a_feed_of_one_guid_loses_nothing() -> None:
    """Every entry with the same guid and link is an article of its own."""
    entries = tuple(Entry(guid="1", link="https://e.org/", title=Text(f"Title {n}")) for n in range(20))
    refined = refine(Document(entries=entries), CONTEXT)
    assert len({article.uid for article in refined.articles}) == 20
    assert refined.void_guids == {"1"}


def test_void_keys_stay_bounded() -> None:
    """A feed that voids keys for ever does not grow what is remembered of it."""
    old = frozenset(f"old {n}" for n in range(MAX_VOID))
    entries = (Entry(guid="new", title=Text("a")), Entry(guid="new", title=Text("b")))
    refined = refine(Document(entries=entries), replace(CONTEXT, void_guids=old))
    assert "new" in refined.void_guids
    assert len(refined.void_guids) == MAX_VOID


def test_one_bad_entry_costs_only_itself() -> None:
    """What cannot be refined is left out with a sentence; the others arrive."""
    broken = Entry(title=Text("Broken"), published="yesterday")  # type: ignore[arg-type]  # on purpose
    refined = refine(Document(entries=(broken, Entry(title=Text("Good")))), CONTEXT)
    assert [article.title for article in refined.articles] == ["Good"]
    assert refined.notes[0].startswith("entry 1 (Broken) was left out: AttributeError")


WORDS = st.text(max_size=40)
ENTRIES = st.builds(
    Entry,
    guid=st.none() | WORDS,
    link=st.none() | WORDS,
    title=st.builds(Text, WORDS, st.booleans()),
    authors=st.lists(WORDS, max_size=2).map(tuple),
    published=st.none() | st.datetimes(timezones=st.just(UTC)),
    updated=st.none() | st.datetimes(timezones=st.just(UTC)),
    body=st.builds(Text, WORDS, st.booleans()),
    summary=st.builds(Text, WORDS, st.booleans()),
    enclosures=st.lists(
        st.builds(Enclosure, WORDS, st.none() | WORDS, st.none() | st.integers()), max_size=2
    ).map(tuple),
    images=st.lists(WORDS, max_size=2).map(tuple),
    tags=st.lists(WORDS, max_size=2).map(tuple),
    language=st.none() | WORDS,
    base=st.none() | WORDS,
    origin=st.none() | st.builds(Origin, st.none() | WORDS, st.none() | WORDS, st.none() | WORDS),
    rights=st.none() | WORDS,
    lead_image=st.none() | WORDS,
)


@example((Entry(), Entry(summary=Text("<C>\n")), Entry(summary=Text("<p>&nbsp;</p>\n"))), "", None)
@given(st.lists(ENTRIES, max_size=4).map(tuple), WORDS, st.none() | WORDS)
def test_any_document_is_refined(entries: tuple[Entry, ...], url: str, link: str | None) -> None:
    """No entry is lost to an error, uids and keys are unique, and refining again gives the same."""
    document = Document(entries=entries, link=link)
    refined = refine(document, replace(CONTEXT, url=url))
    assert refined.notes == ()
    assert len({article.uid for article in refined.articles}) == len(refined.articles)
    assert len({article.key for article in refined.articles}) == len(refined.articles)
    assert refine(document, replace(CONTEXT, url=url)) == refined


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
def test_archive_bodies_are_stable() -> None:
    """Each body of the archive is refined, and refining the result changes nothing."""
    for file in sorted((SAMPLES / "corpus").glob("*.md")):
        body = file.read_text("utf-8").split("\n---\n", 2)[-1]
        article = one(Entry(guid=file.name, body=Text(body), categories=("A",)))
        again = one(Entry(guid=file.name, body=Text(article.body), categories=("A",)))
        assert again.body == article.body
        assert again.uid == article.uid


def test_a_missing_language_is_guessed() -> None:
    """Where neither entry nor feed says it, the text does; a note says that it was guessed."""
    article = one(
        Entry(title=Text("港口"), body=Text("<p>那天早上港口很安静，船只并排停在天空下，人们还没来。</p>"))
    )
    assert (article.language, article.notes) == ("zh-Hans", ("language-guessed",))


def test_bands_are_signed_64_bit_numbers() -> None:
    """A long text has some, a short one none."""
    sentences = "".join(
        f"<p>In the year {n} the harbour was rebuilt once more, stone by stone.</p>" for n in range(9)
    )
    bands = one(Entry(title=Text("The harbour"), body=Text(sentences))).bands
    assert 0 < len(bands) <= 8
    assert all(-(2**63) <= key < 2**63 for key in bands)
    assert one(Entry(title=Text("x"), body=Text("<p>short</p>"))).bands == ()
