"""Breaks feeds the way networks, templates and attackers do, from a seed."""

import random
from collections.abc import Iterator

NASTY = (
    b"&#x110000;",
    b"&#0;",
    b"&#xD800;",
    b"&nbsp;",
    b"&bogus;",
    b"&",
    b"<",
    b">",
    b"<!--",
    b"-->",
    b"--",
    b"]]>",
    b"<![CDATA[",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"<?",
    b"<!",
    b"<!DOCTYPE x [",
    b"<!ENTITY a 'b'>",
    b"\0",
    b"\x08",
    b"\x1b",
    b"\xff",
    b"\xfe\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xef\xbf\xbe",
    b"\xe4\xb8",
    b"\x81\x30",
    b"</item>",
    b"<item>",
    b"</entry>",
    b"<entry>",
    b"</channel>",
    b"<source>",
    b"<image>",
    b"<textInput>",
    b"</media:group>",
    b"<media:content>",
    b"<media:rating/>",
    b"<media:player/>",
    b"</media:player>",
    b"<media:credit/>",
    b"</media:thumbnail>",
    b"<links>x</links>",
    b"<authors a='b'/>",
    b"<tags>x</tags>",
    b"<content>x",
    b"<title_detail>y</title_detail>",
    b"<links a='1'/>",
    b"<title_detail z='1'/>",
    b"<published>9999-12-31T23:59:59-23:59</published>",
    b"<pubDate>0000-00-00T00:00:00Z</pubDate>",
    b"<guid/>",
    b"<link/>",
    b"<link rel='enclosure'/>",
    b"<enclosure/>",
    b"<author><name/></author>",
    b" xml:base='http://['",
    b" xml:base='javascript:x'",
    b" xml:lang=''",
    b" href='//[::1'",
    b"<svg>",
    b"</svg>",
    b"<title>",
    b"</title>",
    b"<content type='xhtml'>",
    b"<content type='image/png'>AA=</content>",
    b"<content mode='base64'>!!!</content>",
    b"<georss:polygon>1 2 x</georss:polygon>",
    b"<georss:box/>",
    b"<gml:posList>1</gml:posList>",
    b"<psc:chapters/>",
    b"<psc:chapter start='x'/>",
    b"<ttl>-5</ttl>",
    b"<cloud/>",
    b"<category/>",
    b"{",
    b"[",
    b'"',
    b"\\ud800",
    b"1e999",
    b"null",
    b"'",
    b'="',
    b"xmlns:",
    b"xmlns=''",
    b"\xef\xbb\xbf",
    b"encoding='punycode'",
    b"encoding='idna'",
)


def mutate(feed: bytes, chance: random.Random) -> bytes:
    """The feed with one to six things done to it."""
    data = bytearray(feed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        size = min(chance.choice((1, 1, 2, 5, 20, 100, 1000)), len(data) - at)
        match chance.randrange(7):
            case 0:
                del data[at : at + size]
            case 1:
                data[at:at] = chance.choice(NASTY)
            case 2:
                data[at : at + size] = data[at : at + size] * chance.randint(2, 30)
            case 3:
                data[at : at + size] = bytes(chance.randrange(256) for _ in range(min(size, 5)))
            case 4:
                del data[at + chance.randrange(size + 1) :]
            case 5:
                other = chance.randrange(len(data) + 1)
                data[at:at] = data[other : other + size]
            case _:
                data[at : at + size] = chance.choice(NASTY) * chance.randint(1, 20)
    return bytes(data[:300_000])


def broken(feeds: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` broken documents, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        yield mutate(chance.choice(feeds), chance)
