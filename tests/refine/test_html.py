"""Bodies made safe, and what is safe left as it was."""

import json
from pathlib import Path

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import bleached, offences

from aggregator.refine import policy
from aggregator.refine.bounds import MAX_DEPTH
from aggregator.refine.html import is_player, sanitize

BASE = "https://e.example/dir/page"
DATA = Path(__file__).parent.parent / "data" / "refine"
VECTORS = [
    pytest.param(vector, id=f"{kind} {number}")
    for kind, vectors in json.loads((DATA / "xss.json").read_text("utf-8")).items()
    for number, vector in enumerate(vectors, 1)
]
TAGS = sorted(name for names in (*policy.ELEMENTS, *policy.DROPPED_WITH_CONTENT) for name in names.split())
PIECES = st.one_of(
    st.sampled_from(
        [*TAGS, "marquee", "form", "nobr", "x-y", "foreignObject", "mglyph", "int", "text"]
    ).flatmap(
        lambda tag: st.sampled_from(
            [f"<{tag}>", f"</{tag}>", f"<{tag} title='<b>' onclick=x href=/a src=b style='color:red;x:y'>"]
        )
    ),
    st.text(max_size=6),
    st.sampled_from(
        [
            "<!--",
            "-->",
            "]]>",
            "<![CDATA[",
            "&lt;",
            "&#1;",
            "\n",
            "<pre>\n\n",
            "<a href=javascript:x>",
            "&",
            "<",
        ]
    ),
)
SOUP = st.lists(PIECES, max_size=14).map("".join)


def _framed(url: str) -> str:
    return f'<iframe src="{url}" sandbox="{policy.SANDBOX}"></iframe>'


def clean(markup: str) -> str:
    return sanitize(markup, base=BASE).html


def tree(markup: str) -> str:
    """The tree that a browser makes of `markup`."""
    fragment = html5lib.parseFragment(markup, treebuilder="etree")
    return str(
        html5lib.serialize(fragment, tree="etree", quote_attr_values="always", alphabetical_attributes=True)
    )


@pytest.mark.parametrize("vector", VECTORS)
def test_no_vector_survives(vector: str) -> None:
    """Nothing is left that a browser would run or load, and bleach finds no more to take away."""
    made = clean(vector)
    assert offences(made) == []
    ours, second = bleached(made)
    assert ours == second


def test_there_are_enough_vectors() -> None:
    """The corpus is as large as it claims to be."""
    assert len(VECTORS) >= 300


@given(SOUP)
def test_no_soup_is_unsafe_and_cleaning_twice_changes_nothing(soup: str) -> None:
    """Whatever tags are thrown together, the result is safe, and stays as it is."""
    made = clean(soup)
    assert offences(made) == []
    assert clean(made) == made


@given(st.text())
def test_no_text_breaks_the_wall(text: str) -> None:
    """Any text at all comes through without an error, in characters that XML allows."""
    made = clean(text)
    assert clean(made) == made
    assert not set(made) & set("\x00\x01\x0b\x0c\r\x1f\ud800\ufffe\uffff")


@pytest.mark.parametrize(
    "markup",
    [
        '<p class="a b" id="x" lang="zh" dir="rtl" title="t">Text</p>',
        '<p style="color:#40485b; margin-left:0; margin-right:0em; text-align:start">Text</p>',
        '<p style="font-family:&quot;Fang SC&quot;, serif;background-color:rgba(0, 0, 0, .5)">Text</p>',
        '<div data-id="7" data-optimize-for-bots="true" aria-label="a"></div>',
        '<img src="https://e.org/a.jpg" alt="a" loading="lazy" referrerpolicy="no-referrer" width="9">',
        '<img srcset="https://e.org/w_1,h_2/a.jpg 1x, https://e.org/b 2x" sizes="(min-width: 1px) 2px, 3px">',
        '<img src="data:image/png;base64,iVBORw0KGgo=">',
        '<picture><source srcset="https://e.org/a.webp" type="image/webp"><img src="https://e.org/a.jpg"></picture>',
        '<video src="https://e.org/a.mp4" poster="https://e.org/a.jpg" controls="" preload="none"></video>',
        '<audio controls=""><source src="https://e.org/a.mp3" type="audio/mpeg"></audio>',
        '<table><tbody><tr><th colspan="2">a</th></tr><tr><td>b</td><td>c</td></tr></tbody></table>',
        '<pre><code class="language-py">if a &lt; b:\n    pass\n\n\nelse: pass</code></pre>',
        "<pre>\n\n  indented</pre>",
        '<details open=""><summary>s</summary>t</details><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>',
        "<math><mfrac><mi>a</mi><mn>2</mn></mfrac></math>",
        '<ol start="3" type="a"><li value="5">x</li></ol><dl><dt>a</dt><dd>b</dd></dl>',
        "text without a tag, with &amp; and &lt;b&gt; and&nbsp;blanks",
        "<p>unclosed<p>next<br>line <b>bold <i>both</b> thin</i>",
        '<figure><img src="https://e.org/a.jpg"><figcaption>c</figcaption></figure><hr><center>old</center>',
        '<font color="red" size="2">old</font><blockquote cite="https://e.org/">q</blockquote>',
    ],
)
def test_what_is_safe_keeps_its_tree(markup: str) -> None:
    """Safe markup is parsed to the same tree before and after."""
    assert tree(clean(markup)) == tree(markup)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<a href="/x">a</a>', '<a href="https://e.example/x" rel="noopener noreferrer">a</a>'),
        (
            '<a href="x" rel="me" target="_blank">a</a>',
            '<a href="https://e.example/dir/x" target="_blank" rel="noopener noreferrer">a</a>',
        ),
        (
            '<img src="//c.example/a" srcset="a.jpg 1x,/b 2x">',
            '<img src="https://c.example/a" srcset="https://e.example/dir/a.jpg 1x, https://e.example/b 2x">',
        ),
        ('<video poster="/p.jpg"></video>', '<video poster="https://e.example/p.jpg"></video>'),
        (
            '<a href="#note">1</a><p id="note">n</p>',
            '<a href="#note" rel="noopener noreferrer">1</a><p id="note">n</p>',
        ),
        (
            '<a href="#away">1</a>',
            '<a href="https://e.example/dir/page#away" rel="noopener noreferrer">1</a>',
        ),
        (
            '<a href="mailto:a@e.org">m</a><img src="mailto:a@e.org">',
            '<a href="mailto:a@e.org" rel="noopener noreferrer">m</a>',
        ),
        ("<script>x</script><style>y</style><svg><text>z</text></svg>a", "a"),
        (
            "<form action=/a><p>kept</p><input value=x><button>Go</button><select><option>o</select></form>",
            "<p>kept</p>",
        ),
        ('<p style="color:red;position:fixed;background:url(/x)">a</p>', '<p style="color:red">a</p>'),
        ('<p style="margin:0 -5px;padding:1px">a</p>', '<p style="padding:1px">a</p>'),
        ("<noscript><img src=/a.jpg></noscript>", '<img src="https://e.example/a.jpg">'),
        ("<custom-tag>kept</custom-tag>", "kept"),
        ("a\x00b\x0bc&#1;d&#13;e", "abcd\ne"),
        ("<p>a<!-- b -->c</p>", "<p>ac</p>"),
    ],
)
def test_what_cleaning_does(markup: str, expected: str) -> None:
    """Addresses become absolute, links get their rel, what is not allowed goes and its text stays."""
    assert clean(markup) == expected


def test_without_a_base_relative_addresses_go() -> None:
    """An address that leads nowhere is not published, and a note says so."""
    made = sanitize('<img src="a.jpg" alt="x"><a href="/y">z</a>')
    assert made.html == '<img alt="x"><a rel="noopener noreferrer">z</a>'
    assert made.notes == ("address",)


def test_players_stay_in_a_sandbox_and_other_frames_become_links() -> None:
    """Only hosts of the list may be framed; what they replace is said in the notes."""
    player = sanitize(
        '<iframe width="9" src="https://www.youtube.com/embed/x?a=1&amp;b=2" allowfullscreen></iframe>'
    )
    assert player.html == (
        '<iframe width="9" src="https://www.youtube.com/embed/x?a=1&amp;b=2" allowfullscreen="" '
        f'sandbox="{policy.SANDBOX}"></iframe>'
    )
    assert player.notes == ("player",)
    other = sanitize('<iframe src="https://ads.example/?a=1&b=2"><script>x</script></iframe>')
    assert other.html == (
        '<a href="https://ads.example/?a=1&amp;b=2" rel="noopener noreferrer">https://ads.example/?a=1&amp;b=2</a>'
    )
    assert other.notes == ("frame-link",)
    assert sanitize("<iframe></iframe>").html == ""
    mine = sanitize('<iframe src="https://video.example/1"></iframe>', players=frozenset({"video.example"}))
    assert "<iframe" in mine.html


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.youtube.com/embed/x", True),
        ("https://youtube.com", True),
        ("https://youtube.com:443/x", True),
        ("https://notyoutube.com/x", False),
        ("https://youtube.com.trap.example/x", False),
        ("https://youtube.com@trap.example/x", False),
        ("https://trap.example/youtube.com", False),
        ("https://trap.example?youtube.com/", False),
        ("https://trap.example#.youtube.com/", False),
        ("https://trap.example#@youtube.com/", False),
        ("https://trap.example?@youtube.com", False),
    ],
)
def test_who_is_a_player(url: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """The host itself or one below it, whatever else the address holds."""
    assert is_player(url, frozenset(policy.PLAYERS)) is expected


def test_a_fragment_makes_no_player() -> None:
    """A frame whose host only seems to be a player's becomes a link."""
    made = sanitize('<iframe src="https://trap.example#@youtube.com/x"></iframe>')
    assert "<iframe" not in made.html


def test_very_many_candidates_are_cut() -> None:
    """Addresses of a srcset that are too many to be judged do not stay unjudged."""
    good = ", ".join(f"https://e.org/{width}.png {width}w" for width in range(1, 101))
    made = sanitize(f'<img src="https://e.org/a.png" srcset="{good}, javascript:alert(1) 101w">')
    assert made.html == f'<img src="https://e.org/a.png" srcset="{good}">'


@pytest.mark.timeout(10)
@pytest.mark.parametrize("value", ["," * 300_000, " ," * 100_000, "a" + "," * 300_000 + " 1x"])
def test_a_srcset_of_marks_alone_costs_little(value: str) -> None:
    """Marks without an address are looked through once."""
    made = sanitize(f'<img src="https://e.org/a.png" srcset="{value}">', base=BASE)
    assert made.html.startswith('<img src="https://e.org/a.png"')


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>use vector<int> now</p><p>and list<int></p>", "<p>use vector now</p><p>and list</p>"),
        ("<p>a <text>b</text> <G>c</G> d</p>", "<p>a b c d</p>"),
        ('<p title="set<int>">a</p><xmp>set<int></xmp>', '<p title="set&lt;int&gt;">a</p>set&lt;int&gt;'),
        ("<p>a<set>b</p><svg><g><text>c</text></g></svg>d", "<p>ab</p>d"),
        ("<math><menclose><mi>x</mi></menclose></math>", "<math><mi>x</mi></math>"),
    ],
)
def test_words_of_formulas_and_drawings_are_no_end_of_the_text(markup: str, expected: str) -> None:
    """What MathML or SVG gives a meaning is, in HTML, a tag like all others that nobody knows."""
    assert sanitize(markup).html == expected


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>a</p><script src=x /><p>b</p>", "<p>a</p><p>b</p>"),
        ('<iframe src="https://v.example/1"/>a<style/>b', f"{_framed('https://v.example/1')}ab"),
        ('<video src="https://e.org/a"/>b<object/>c', '<video src="https://e.org/a"></video>bc'),
        ("<iframe src=https://v.example/1/></iframe>a", f"{_framed('https://v.example/1/')}a"),
        ("<style/>p{}</style>a", "a"),
    ],
)
def test_elements_that_end_as_in_xml_hide_no_text(markup: str, expected: str) -> None:
    """In HTML `<iframe/>` begins a frame that holds all the rest; who writes so means an empty one."""
    assert sanitize(markup, players=frozenset({"v.example"})).html == expected


@pytest.mark.parametrize("tag", ["noscript", "int"])
def test_nothing_hides_depth(tag: str) -> None:
    """A tag within another's opening mark hides no tag from the limits."""
    assert sanitize(f"<<{tag}>div>" * 1000).html.count("<div>") <= MAX_DEPTH


def test_proxies_are_undone_in_bodies() -> None:
    """Images and films that the archive put behind a proxy lead to their own hosts again."""
    made = sanitize(
        '<img src="https://cors.example.dev/?http://e.org/a.jpg"><video src="https://cors.example.dev/?http://e.org/b">',
        proxies=("https://cors.example.dev/?",),
    )
    assert made.html == '<img src="http://e.org/a.jpg"><video src="http://e.org/b"></video>'
    assert made.notes == ("proxy",)


def test_every_rule_has_its_reason() -> None:
    """The policy names no element twice, drops none that it allows, and says why for each line."""
    allowed = [name for names in policy.ELEMENTS for name in names.split()]
    dropped = [name for names in policy.DROPPED_WITH_CONTENT for name in names.split()]
    styles = [name for names in policy.STYLES for name in names.split()]
    for names in (allowed, dropped, styles):
        assert len(names) == len(set(names))
    assert not set(allowed) & set(dropped)
    assert set(policy.ATTRIBUTES) <= set(allowed)
    tables = (
        policy.ELEMENTS,
        policy.DROPPED_WITH_CONTENT,
        policy.STYLES,
        policy.EVERYWHERE,
        *policy.ATTRIBUTES.values(),
    )
    assert all(reason for table in tables for reason in table.values())
