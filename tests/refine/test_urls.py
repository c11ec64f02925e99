"""Addresses: absolute, presentable, comparable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.refine import url_tables, urls

PROXY = ("https://cors.example.dev/?",)
ADDRESSES = st.one_of(
    st.text(max_size=60),
    st.from_regex(
        r"(https?:|HTTP:)?[/\\]{0,3}[a-zA-Z0-9.@:\[\]-]{0,20}[/?#][a-z0-9%./?#=&;+!é中-]{0,40}",
        fullmatch=True,
    ),
    st.builds(
        "https://{}/{}?{}={}#{}".format,
        st.sampled_from(
            ["a.com", "WWW.a.com:443", "m.youtube.com", "youtu.be", "例え.jp", "x-y.cdn.ampproject.org"]
        ),
        st.text("abc/.%27EeA-_é 中", max_size=12),
        st.sampled_from(["utm_source", "a", "", "v", "amp"]),
        st.text("ab%26=é", max_size=6),
        st.text("!/ab%2f", max_size=6),
    ),
)


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("https://e.org/a?w=770&resize=770%2C433", None, "https://e.org/a?w=770&resize=770%2C433"),
        ("/a b.jpg", "https://e.org/x/", "https://e.org/a%20b.jpg"),
        ("../a", "https://e.org/x/y/", "https://e.org/x/a"),
        ("?page=2", "https://e.org/x", "https://e.org/x?page=2"),
        ("//cdn.e.org/a.js", "http://e.org/", "http://cdn.e.org/a.js"),
        ("//cdn.e.org/a.js", None, "https://cdn.e.org/a.js"),
        ("  https://e.org/a\n", None, "https://e.org/a"),
        ("ht\ntps://e.org/a", None, "https://e.org/a"),
        ("HTTPS:/e.org/a", None, "https://e.org/a"),
        ("http:\\\\e.org\\a", None, "http://e.org/a"),
        ("https://例え.jp/路", None, "https://例え.jp/路"),
        ("http://[::1]/x", None, "http://[::1]/x"),
        ("mailto:a@e.org", None, "mailto:a@e.org"),
        ("a.jpg", None, None),
        ("a.jpg", "file:///feed.xml", None),
        ("", "https://e.org/", None),
        ("javascript:alert(1)", "https://e.org/", None),
        (" java\tscript:alert(1)", "https://e.org/", None),
        ("data:text/html,x", None, None),
        ("vbscript:x", None, None),
        ("ftp://e.org/", None, None),
        ("http://", None, None),
        ("http://e .org/", None, None),
        ("http://e.org:port/", None, None),
        ("http://[::1", None, None),
        ("mailto:", None, None),
        ("https://e.org/" + "a" * 9000, None, None),
    ],
)
def test_absolute(url: str, base: str | None, expected: str | None) -> None:
    """What is well-formed stays byte for byte; only http, https and mailto leave."""
    assert urls.absolute(url, base) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://例え.jp/路径?问=答#段",
            "https://xn--r8jz45g.jp/%E8%B7%AF%E5%BE%84?%E9%97%AE=%E7%AD%94#%E6%AE%B5",
        ),
        ("https://e.org/a[1]|{x}", "https://e.org/a%5B1%5D%7C%7Bx%7D"),
        ("https://e.org/it's(1)", "https://e.org/it's(1)"),
        ("http://中文_x.com/", "http://xn--_x-py2cs33g.com/"),
        (None, None),
    ],
)
def test_published_addresses_are_ascii(url: str | None, expected: str | None) -> None:
    """Links of the outputs hold only what RFC 3986 allows."""
    assert urls.published(url) == expected


@pytest.mark.parametrize(
    "same",
    [
        [
            "http://e.org/a",
            "https://e.org/a/",
            "https://www.e.org:443/a",
            "HTTP://E.org:80/a?#top",
            "https://e.org/./a",
        ],
        [
            "https://e.org/a?b=1&c=2",
            "https://e.org/a?c=2&utm_source=x&b=1",
            "https://e.org/a?b=1&fbclid=y&c=2",
        ],
        ["https://e.org/%7Ea%2fb", "https://e.org/~a%2Fb"],
        ["https://例え.jp/路", "https://xn--r8jz45g.jp/%E8%B7%AF"],
        [
            "https://e.org/news-1/amp/",
            "https://e.org/news-1",
            "https://e.org/news-1?amp=1",
            "https://e.org/news-1?amp",
        ],
        [
            "https://www.google.com/amp/s/www.e.org/a-1/",
            "https://www-e-org.cdn.ampproject.org/c/s/www.e.org/a-1",
        ],
        [
            "https://youtu.be/abc?si=1",
            "https://m.youtube.com/watch?v=abc&list=2",
            "http://youtube.com/watch?t=3&v=abc",
        ],
        [
            "https://x.com/a/status/1?s=20",
            "https://mobile.twitter.com/a/status/1",
            "https://twitter.com/a/status/1",
        ],
        ["https://en.m.wikipedia.org/wiki/X", "https://en.wikipedia.org/wiki/X#History"],
        [
            "https://mp.weixin.qq.com/s?__biz=1&mid=2&idx=1&sn=3&chksm=4",
            "http://mp.weixin.qq.com/s?sn=3&idx=1&mid=2&__biz=1",
        ],
        ["https://e.org/a?from=rss", "https://e.org/a"],
    ],
    ids=lambda urls: urls[0],
)
def test_addresses_of_one_page_are_one(same: list[str]) -> None:
    """Scheme, www, ports, slashes, fragments, tracking, AMP and phone variants make no difference."""
    assert len({urls.canonical(url) for url in same}) == 1
    assert urls.canonical(same[0]) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://e.org/a", "https://e.org/A"),
        ("https://e.org/?p=1", "https://e.org/?p=2"),
        ("https://e.org/#!/a", "https://e.org/#!/b"),
        ("https://e.org/#/a", "https://e.org/"),
        ("https://e.org/a?from=page2", "https://e.org/a"),
        ("https://e.org:8080/a", "https://e.org/a"),
        ("https://blog.e.org/a", "https://e.org/a"),
        ("https://youtube.com/playlist?list=1", "https://youtube.com/playlist?list=2"),
        ("https://shop.example/guitars/amp", "https://shop.example/guitars"),
        ("https://e.org/a%2Fb", "https://e.org/a/b"),
    ],
)
def test_addresses_of_different_pages_stay_two(one: str, other: str) -> None:
    """A false merge is worse than a duplicate."""
    assert urls.canonical(one) != urls.canonical(other)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "a.html",
        "mailto:a@e.org",
        "javascript:1",
        "urn:uuid:1",
        "http://[",
        "tag:e.org,1",
        "//.?0",
        "http://./a",
        "http://..",
        "http://.:81/a",
    ],
)
def test_what_is_no_web_address_has_no_canonical_form(url: str | None) -> None:
    """None, and nothing is raised."""
    assert urls.canonical(url) is None


@given(ADDRESSES)
def test_canonical_is_idempotent(url: str) -> None:
    """The canonical form of a canonical form is itself, and it is a web address."""
    once = urls.canonical(url)
    assert once == urls.canonical(once)
    assert once is None or (once.startswith("https://") and once.isascii())


@given(ADDRESSES, ADDRESSES)
def test_absolute_never_raises_and_lets_three_schemes_out(url: str, base: str) -> None:
    """Whatever the address and base, the result is None, http, https or mailto, and stable."""
    made = urls.absolute(url, base)
    assert made is None or made.startswith(("http://", "https://", "mailto:"))
    if made is not None:
        assert urls.absolute(made) == made
        assert not set(made) & set(' "<>\n\t\x00')


@given(ADDRESSES)
def test_published_is_stable(url: str) -> None:
    """Publishing what was published changes nothing."""
    made = urls.published(url)
    assert urls.published(made) == made


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://cors.example.dev/?http://e.org/a?b=1", "http://e.org/a?b=1"),
        ("https://cors.example.dev/?https%3A%2F%2Fe.org%2Fa", "https://e.org/a"),
        ("https://cors.example.dev/?q=1", "https://cors.example.dev/?q=1"),
        ("https://e.org/a", "https://e.org/a"),
    ],
)
def test_proxies_are_undone(url: str, expected: str) -> None:
    """Only where an address follows the prefix."""
    assert urls.without_proxy(url, PROXY) == expected


def test_tracking_goes_and_the_rest_stays_byte_for_byte() -> None:
    """Order, encoding and fragment of what stays are not touched."""
    url = "https://e.org/a?utm_source=x&B=%c3&a=&fbclid=1#p?utm_source=y"
    assert urls.without_tracking(url) == "https://e.org/a?B=%c3&a=#p?utm_source=y"
    assert urls.without_tracking("https://e.org/?utm_source=x") == "https://e.org/"
    assert urls.without_tracking("https://e.org/a?") == "https://e.org/a?"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://link.juejin.cn?target=https%3A%2F%2Fgithub.com%2Fx", "https://github.com/x"),
        ("https://link.juejin.cn/?target=https%3A%2F%2Fgithub.com%2Fx", "https://github.com/x"),
        ("https://www.oschina.net/action/GoToLink?url=http%3A%2F%2Fe.org", "http://e.org"),
        ("https://www.google.com/url?sa=t&q=https://e.org/a&usg=1", "https://e.org/a"),
        (
            "https://link.zhihu.com/?target=https%3A//link.juejin.cn%3Ftarget%3Dhttp%253A%252F%252Fe.org",
            "http://e.org",
        ),
        (
            "https://link.zhihu.com/?target=javascript:alert(1)",
            "https://link.zhihu.com/?target=javascript:alert(1)",
        ),
        ("https://www.google.com/amp/s/e.org/a.html", "https://e.org/a.html"),
        ("https://e-org.cdn.ampproject.org/c/s/e.org/a?b=1", "https://e.org/a?b=1"),
        (
            "https://news.google.com/rss/articles/CBMiKmh0dHBzOi8vY29hc3QuZXhhbXBsZS8yMDI2L2xpZ2h0aG91c2U_aWQ9N9IBAA?oc=5",
            "https://coast.example/2026/lighthouse?id=7",
        ),
        (
            "https://news.google.com/articles/CBMiSkFVX3lxTE9leA",
            "https://news.google.com/articles/CBMiSkFVX3lxTE9leA",
        ),
        (
            "https://news.google.com/articles/CBMi_________w",
            "https://news.google.com/articles/CBMi_________w",
        ),
        ("https://t.co/abc", "https://t.co/abc"),
        ("https://e.org/?url=http://other.org", "https://e.org/?url=http://other.org"),
    ],
)
def test_redirectors_that_name_their_target_are_resolved(url: str, expected: str) -> None:
    """Where the target stands in the address itself, and only to web addresses."""
    assert urls.redirect_target(url) == expected


def test_tables_are_in_canonical_form() -> None:
    """Every key of the tables can match, and every line has its reason."""
    assert all(name == name.lower() for name in url_tables.TRACKING)
    assert all(url_tables.TRACKING.values())
    for host, rules in url_tables.HOSTS.items():
        assert host == host.lower()
        assert not host.startswith("www.")
        assert rules.only or rules.drop or rules.same_as
