"""`parse.encodings`: the right characters, whatever header and declaration claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.parse.encodings import decode
from aggregator.parse.feed import parse

CHINESE = "亚美尼亚国防部发布了一份声明，称阿塞拜疆于周二上午向边境城市方向的军事阵地发动了密集的炮击。"
TAIWANESE = "亞美尼亞國防部發布了一份聲明，稱亞塞拜然於週二上午向邊境城市方向的軍事陣地發動了密集的砲擊。"
JAPANESE = (
    "アルメニア国防省は火曜日の朝、国境の町に向けて激しい砲撃があったと発表しました。新しいニュースです。"
)
KOREAN = (
    "아르메니아 국방부는 화요일 오전 국경 도시 방향의 군사 진지를 향해 집중 포격이 있었다고 발표했습니다."
)
RUSSIAN = (
    "Министерство обороны Армении опубликовало заявление о том, что во вторник утром начался обстрел позиций."
)
GREEK = "Το υπουργείο άμυνας της Αρμενίας εξέδωσε ανακοίνωση σχετικά με τον βομβαρδισμό θέσεων στα σύνορα."
HEBREW = "משרד ההגנה של ארמניה פרסם הודעה על הפגזה כבדה של עמדות צבאיות לאורך הגבול ביום שלישי בבוקר."
THAI = "กระทรวงกลาโหมของอาร์เมเนียออกแถลงการณ์เกี่ยวกับการยิงปืนใหญ่อย่างหนักในเช้าวันอังคาร"
FRENCH = (
    "L’armée a été accusée d’avoir tiré à l’aube ; « nous répondrons », a déclaré le général. Où ça ? À côté."
)
POLISH = (
    "Ministerstwo obrony ogłosiło, że we wtorek rano rozpoczął się ciężki ostrzał pozycji. Źródło: żołnierze."
)

TEXTS = [
    ("gb18030", "gb2312", CHINESE),
    ("gb18030", "GBK", CHINESE),
    ("gb18030", "gb18030", CHINESE),
    ("big5", "Big5", TAIWANESE),
    ("euc_jp", "EUC-JP", JAPANESE),
    ("cp932", "Shift_JIS", JAPANESE),
    ("iso2022_jp", "ISO-2022-JP", JAPANESE),
    ("cp949", "euc-kr", KOREAN),
    ("cp1251", "windows-1251", RUSSIAN),
    ("koi8_r", "KOI8-R", RUSSIAN),
    ("cp1253", "windows-1253", GREEK),
    ("cp1255", "windows-1255", HEBREW),
    ("cp874", "TIS-620", THAI),
    ("cp1252", "iso-8859-1", FRENCH),
    ("cp1252", "windows-1252", FRENCH),
    ("cp1250", "windows-1250", POLISH),
    ("iso8859_2", "ISO-8859-2", POLISH),
    ("utf-8", "utf-8", CHINESE),
]
# Nothing in the bytes of these tells them from others; a label must.
SILENT = {"iso2022_jp", "iso8859_2", "cp1250"}


def _feed(text: str, codec: str, declared: str | None) -> bytes:
    prolog = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else '<?xml version="1.0"?>\n'
    items = f"<item><guid>1</guid><title>{text[:20]}</title><description>{text * 3}</description></item>"
    return f'{prolog}<rss version="2.0"><channel><title>{text[:8]}</title>{items}</channel></rss>'.encode(
        codec
    )


def _body(body: bytes, header: str | None) -> str:
    (entry,) = parse(body, url="http://feeds.example/", content_type=header).entries
    return entry.body.value


@pytest.mark.parametrize(("codec", "label", "text"), TEXTS)
@pytest.mark.parametrize(
    ("declared", "header"),
    [
        (True, "application/xml"),
        (True, None),
        (True, "text/xml"),
        (False, "application/rss+xml; charset={}"),
        (True, "text/xml; charset=utf-8"),
        (True, "application/xml; charset={}"),
        (False, 'text/html;charset="{}"'),
        (True, "text/xml; charset=ISO-8859-1"),
    ],
)
def test_labels(codec: str, label: str, text: str, header: str | None, *, declared: bool) -> None:
    """Declaration or header suffice; a header that says UTF-8 or, as of all, ISO 8859-1 does no harm."""
    body = _feed(text, codec, label if declared else None)
    assert _body(body, header.format(label) if header else None) == text * 3


@pytest.mark.parametrize(("codec", "label", "text"), [case for case in TEXTS if case[0] not in SILENT])
@pytest.mark.parametrize("claimed", [None, "utf-8", "x-unknown"])
def test_no_true_label(codec: str, label: str, text: str, claimed: str | None) -> None:
    """Without a label, or with one that cannot be true, the bytes themselves tell."""
    assert _body(_feed(text, codec, claimed), None) == text * 3


@pytest.mark.parametrize(
    "codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig"]
)
@pytest.mark.parametrize("claimed", [None, "utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("header", [None, "text/xml; charset=utf-8", "text/xml; charset=gb2312"])
def test_wide_encodings(codec: str, claimed: str | None, header: str | None) -> None:
    """UTF-16 and UTF-32 show in their bytes, with a mark or without, whatever the labels say."""
    assert _body(_feed(CHINESE, codec, claimed), header) == CHINESE * 3


def test_a_guess_says_what_the_bytes_are_not() -> None:
    """A document that names no encoding is not told that it names a wrong one."""
    found = parse(_feed(CHINESE * 5, "gb18030", None), url="http://feeds.example/")
    assert found.notes[0] == "not valid utf-8; read as gb18030"


@pytest.mark.parametrize("claim", ["iso-8859-1", "gb2312", "shift_jis", "koi8-r", "utf-16"])
def test_utf8_under_a_wrong_label(claim: str) -> None:
    """Valid UTF-8 is UTF-8 although header and declaration say otherwise."""
    assert _body(_feed(CHINESE, "utf-8", claim), f"text/xml; charset={claim}") == CHINESE * 3


@pytest.mark.parametrize(
    ("codec", "label", "text"), [case for case in TEXTS if case[0] in {"utf-8", "gb18030", "euc_jp"}]
)
def test_a_broken_byte_costs_one_character(codec: str, label: str, text: str) -> None:
    """A stray byte in the middle leaves the rest of the text readable, with a note."""
    body = _feed(text, codec, label)
    at = body.index(text[10:14].encode(codec))
    found = parse(body[:at] + b"\xff" + body[at:], url="http://feeds.example/")
    assert text[14:40] in found.entries[0].body.value
    assert "\ufffd" in found.entries[0].title.value + found.entries[0].body.value
    assert "were replaced" in found.notes[0]


def test_cut_in_the_middle_of_a_character() -> None:
    """A feed cut within a character keeps what came before it."""
    body = _feed(CHINESE, "utf-8", "utf-8")
    cut = body[: body.index("密集".encode()) + 4]
    assert CHINESE[:20] in parse(cut, url="http://feeds.example/").entries[0].body.value


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "unicode_escape", "zlib", "rot13", "base64", "utf-7", "undefined"]
)
def test_what_is_no_encoding_of_text(label: str) -> None:
    """Python's codecs that are none of the web's are not used, whoever names them."""
    decoded = decode(_feed(FRENCH, "cp1252", label), f"text/xml; charset={label}")
    assert decoded.encoding == "cp1252"
    assert FRENCH in decoded.text


@given(st.binary(), st.text(max_size=30))
def test_any_bytes(body: bytes, header: str) -> None:
    """Any bytes under any header decode to characters that can be written again."""
    decode(body, header).text.encode()


@given(st.text(min_size=1))
def test_utf8_is_read_as_it_was_written(text: str) -> None:
    """Text written as UTF-8 comes back, but for a byte order mark."""
    body = ("<rss>" + text).encode("utf-8")
    assert decode(body).text == "<rss>" + text
