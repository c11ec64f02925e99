"""Language tags: what a feed says, in the form of BCP 47 (RFC 5646)."""

import re

_TAG = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*", re.IGNORECASE
)

# Names and old codes that feeds use for languages.
NAMES: dict[str, str] = {
    "english": "en",
    "chinese": "zh",
    "cn": "zh-CN",
    "jp": "ja",
    "kr": "ko",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "zh-chs": "zh-Hans",
    "zh-cht": "zh-Hant",
    "chs": "zh-Hans",
    "cht": "zh-Hant",
    "zh-hans-cn": "zh-Hans-CN",
    "german": "de",
    "deutsch": "de",
    "french": "fr",
    "spanish": "es",
    "russian": "ru",
    "japanese": "ja",
}
# Not languages.
NONE = frozenset({"und", "mul", "zxx", "mis", "xx", "none", "default"})


def tag(*candidates: str | None) -> str | None:
    """The first of `candidates` that is a language tag, with the usual case ("zh-Hans-CN"), or None."""
    for candidate in candidates:
        text = (candidate or "").strip().replace("_", "-").partition(",")[0].partition(".")[0].strip()
        text = NAMES.get(text.lower(), text)
        if _TAG.fullmatch(text) and text.lower() not in NONE:
            first, *rest = text.split("-")
            return "-".join([first.lower(), *map(_cased, rest)])
    return None


def _cased(part: str) -> str:
    if len(part) == 2:
        return part.upper()
    return part.title() if len(part) == 4 and part.isalpha() else part.lower()
