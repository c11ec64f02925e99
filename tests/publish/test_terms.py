import json
from dataclasses import replace

from lxml import etree
from publishing import SITE, article, outlines, provenance, render_feed

from aggregator.model import Article, Enclosure, Node
from aggregator.options import Site, Terms
from aggregator.publish.entry import EXCERPT, MAX_BODY
from aggregator.publish.feeds import Format, shown
from aggregator.publish.gate import MAX_BYTES
from aggregator.publish.terms import article_terms, node_terms

ALL = Node("category", ())
TOP, SUB = Node("category", ("a",)), Node("category", ("a", "b"))
SOURCE = Node("source", ("S",))
ONE = article(
    sources=(provenance("S", categories=("a", "b")),), body=f"<p>{'word ' * 500}</p>", summary="s " * 500
)


def site(*terms: tuple[Node, Terms], **values: str) -> Site:
    return replace(SITE, terms=terms, **values)  # type: ignore[arg-type]  # only texts are given


def render(fmt: Format, where: Site, *articles: Article, node: Node = TOP) -> bytes:
    return render_feed(fmt, node, articles or [ONE], where, "feeds/a")


def test_terms_hold_for_all_that_is_below() -> None:
    """What a category says holds for those in it and not for its neighbours; the site's holds for all."""
    where = site((TOP, Terms(noindex=True)), (SUB, Terms(excerpt=True)))
    assert node_terms(where, SUB) == Terms(noindex=True, excerpt=True)
    assert node_terms(where, TOP) == Terms(noindex=True)
    assert node_terms(where, ALL) == node_terms(where, Node("category", ("b",))) == Terms()
    assert node_terms(site((ALL, Terms(noindex=True))), SOURCE).noindex


def test_the_narrowest_licence_holds() -> None:
    """A source's licence goes before its category's, and that before the site's."""
    rows = [(ALL, Terms(licence="site")), (SUB, Terms(licence="sub")), (TOP, Terms(licence="top"))]
    assert article_terms(site(*rows), ONE).licence == "sub"
    assert article_terms(site((SOURCE, Terms(licence="source")), *rows), ONE).licence == "source"
    assert node_terms(site(*rows), SOURCE).licence == "site"


def test_an_excerpt_is_all_that_any_feed_shows() -> None:
    """The body of an article of an excerpt-only source is in no feed, whichever it stands in."""
    where = site((SOURCE, Terms(excerpt=True)))
    for fmt in ("atom", "rss", "json"):
        assert len(render(fmt, where)) < 3000
    (item,) = json.loads(render("json", where, node=ALL))["items"]
    assert "content_html" not in item
    assert len(item["content_text"]) <= EXCERPT + 1


def test_a_feed_that_is_not_to_be_indexed_says_so() -> None:
    """The mark that search engines know stands on the feed and on the channel."""
    where = site((TOP, Terms(noindex=True)))
    mark = "{urn:atom-extension:indexing}index"
    assert etree.fromstring(render("atom", where)).get(mark) == "no"
    channel = etree.fromstring(render("rss", where)).find("channel")
    assert channel is not None
    assert channel.get(mark) == "no"
    assert b"indexing" not in render("atom", where, node=ALL)


def test_a_licence_stands_on_feed_and_entry() -> None:
    """The note is the rights of the feed and of entries without their own, its address is linked."""
    where = site((ALL, Terms(licence="CC BY https://cc.example/by.")))
    root = etree.fromstring(
        render("atom", where, ONE, replace(ONE, uid="0" * 32, guid=None, rights="theirs"))
    )
    ns = {"a": "http://www.w3.org/2005/Atom"}
    assert root.findtext("a:rights", "", ns) == "CC BY https://cc.example/by."
    assert [link.get("href") for link in root.iterfind("a:link[@rel='license']", ns)] == [
        "https://cc.example/by"
    ]
    assert [found.text for found in root.iterfind("a:entry/a:rights", ns)] == [
        "CC BY https://cc.example/by.",
        "theirs",
    ]
    assert (
        etree.fromstring(render("rss", where)).findtext("channel/copyright") == "CC BY https://cc.example/by."
    )
    assert json.loads(render("json", where))["_rights"] == {"note": "CC BY https://cc.example/by."}


def test_the_hub_is_named_in_every_format() -> None:
    """A feed names the hub that is told of its changes (WebSub section 4, JSON Feed "hubs")."""
    where = site(hub="https://hub.example/")
    assert b'href="https://hub.example/" rel="hub"' in render("atom", where)
    assert b'rel="hub" href="https://hub.example/"' in render("rss", where)
    assert json.loads(render("json", where))["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]


def test_live_feeds_stay_small() -> None:
    """Long bodies leave room for fewer entries, the same number in all formats; one is always there."""
    long = [article(n, body="x" * 300_000) for n in range(20)]
    assert shown(outlines(long), SITE) == 6
    for fmt in ("atom", "rss", "json"):
        assert len(render(fmt, SITE, *long)) < 2_000_000
    assert shown(outlines([article(body="好" * 900_000)]), SITE) == 1


def test_what_is_no_body_counts_too() -> None:
    """No source makes feeds too large for the gate by names and addresses without end."""
    names = tuple(f"{n} {'<' * 190}" for n in range(50))
    files = tuple(Enclosure(f"https://media.example/{n}/{'&' * 7_000}", "audio/mpeg") for n in range(14))
    hostile = [article(n, tags=names, authors=names, enclosures=files) for n in range(50)]
    for fmt in ("atom", "rss", "json"):
        assert len(render(fmt, SITE, *hostile)) < MAX_BYTES
    assert shown(outlines([article(n) for n in range(50)]), SITE) == 50


def test_a_body_that_is_cut_takes_no_room() -> None:
    """An article of which feeds show an excerpt pushes no other out."""
    monstrous = article(0, body="x" * 2_000_001)
    assert shown(outlines([monstrous, *map(article, range(1, 50))]), SITE) == 50
    long = [article(n, body="x" * 300_000, sources=(provenance("S"),)) for n in range(20)]
    for node in (ALL, SOURCE):
        assert shown(outlines(long), site((node, Terms(excerpt=True)))) == 20


def test_a_monstrous_body_is_an_excerpt() -> None:
    """One article cannot make a feed too large for its readers."""
    (item,) = json.loads(render("json", SITE, article(body=f"<p>{'word ' * MAX_BODY}</p>")))["items"]
    assert "content_html" not in item
    assert item["content_text"]


def test_other_sources_are_related() -> None:
    """The other sources of an article are linked from its entry in every format."""
    other = provenance("Other & Co", link="https://other.example/1")
    both = replace(ONE, sources=(*ONE.sources, other))
    root = etree.fromstring(render("atom", SITE, both))
    found = root.find(".//{*}entry/{*}link[@rel='related']")
    assert found is not None
    assert dict(found.items()) == {"rel": "related", "href": "https://other.example/1", "title": "Other & Co"}
    assert b'<atom:link rel="related" href="https://other.example/1"' in render("rss", SITE, both)
    (item,) = json.loads(render("json", SITE, both))["items"]
    assert item["_source"]["also"] == [{"title": "Other & Co", "url": "https://other.example/1"}]
