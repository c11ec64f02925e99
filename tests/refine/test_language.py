"""Language tags."""

import pytest

from aggregator.refine import language


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("zh-cn", "zh-CN"),
        ("zh_CN", "zh-CN"),
        ("en-US.UTF-8", "en-US"),
        ("EN", "en"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("es-419", "es-419"),
        ("sl-rozaj-1994", "sl-rozaj-1994"),
        ("English", "en"),
        ("en, de", "en"),
        (" de ", "de"),
        ("und", None),
        ("", None),
        (None, None),
        ("x" * 50, None),
        ("<b>", None),
    ],
)
def test_tags_are_brought_into_form(given: str | None, expected: str | None) -> None:
    """BCP 47 with its usual case; what is no language is none."""
    assert language.tag(given) == expected


def test_the_entry_goes_before_its_feed() -> None:
    """The first that says something counts."""
    assert language.tag(None, "de", "en") == "de"
    assert language.tag("?", "en") == "en"


SENTENCES = {
    "en": "The harbour was quiet that morning, and the boats lay side by side under a grey sky.",
    "de": "Der Hafen war an diesem Morgen still, und die Boote lagen nicht weit von der Stadt.",
    "fr": "Le port était calme ce matin, et les bateaux étaient sous un ciel gris pour une heure.",
    "es": "El puerto estaba tranquilo y los barcos que no salieron por la lluvia son muy viejos.",
    "pt": "O porto estava calmo naquela manhã, e os barcos não saíram como foi dito.",
    "it": "Il porto era tranquillo e non è una sorpresa che le barche della sera sono più vecchie.",
    "nl": "De haven was die ochtend stil en de boten lagen naast elkaar, maar niet voor het eten.",
    "sv": "Hamnen var tyst den morgonen och båtarna låg sida vid sida under en himmel som inte sken.",
    "pl": "Port był tego ranka cichy, ale łodzie nie leżały pod niebem, które nie jest jasne.",
    "ru": "Гавань в то утро была тихой, и лодки лежали бок о бок под серым небом.",
    "uk": "Гавань того ранку була тихою, і човни лежали поруч під сірим небом, яке не її.",
    "zh-Hant": "那天早上港口很安靜，船隻並排停在灰色的天空下，人們還沒有來。",
    "zh-Hans": "今天 iPhone 和 MacBook 的新闻：苹果公司说这次会议没有新产品发布。",
    "ja": "その朝、港は静かで、船は灰色の空の下に並んでいた。誰もまだ来ていなかった。",
    "ko": "그날 아침 항구는 조용했고 배들은 회색 하늘 아래 나란히 놓여 있었다.",
    "ar": "كان الميناء هادئا في ذلك الصباح وكانت القوارب جنبا إلى جنب",
    "he": "הנמל היה שקט באותו בוקר והסירות שכבו זו לצד זו",
    "th": "เช้าวันนั้นท่าเรือเงียบสงบและเรือจอดเรียงกันใต้ท้องฟ้า",
}


@pytest.mark.parametrize("tag", SENTENCES)
def test_languages_are_guessed(tag: str) -> None:
    """A sentence is enough where the script or its small words are clear."""
    assert language.guess(SENTENCES[tag]) == tag


@pytest.mark.parametrize(
    "text", ["", "ok", "12345 67890 " * 9, "Lorem ipsum dolor sit amet consectetur adipiscing"]
)
def test_no_guess_is_better_than_a_wild_one(text: str) -> None:
    """Short, numeric and unknown texts have no language."""
    assert language.guess(text) is None
