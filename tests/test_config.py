"""feeds.toml: what it may say, and how its mistakes are reported."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import config
from aggregator.errors import SettingsError
from aggregator.options import Policy
from aggregator.tables import parse_duration, parse_size

ROOT = Path(__file__).parent.parent


def load(tmp_path: Path, text: str) -> config.Settings:
    file = tmp_path / "feeds.toml"
    file.write_text(text, encoding="utf-8")
    return config.load(file)


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_file_is_free_of_mistakes_and_warnings() -> None:
    """The example that ships is valid, and every file that it names is there."""
    settings = config.load(ROOT / "feeds.toml", files=True)
    assert settings.warnings == ()
    assert {source.kind for source in settings.sources} == {"seed", "feed"}


def test_an_empty_file_has_every_default(tmp_path: Path) -> None:
    """Every key has a default."""
    settings = load(tmp_path, "")
    assert settings.storage_url == f"sqlite:///{tmp_path}/storage/aggregator.db"
    assert settings.outputs == tmp_path / "outputs"
    assert settings.site.extra_keys == ("link",)
    assert settings.sources == ()


def test_a_source_overrides_the_defaults_of_fetch(tmp_path: Path) -> None:
    """Keys of [fetch] hold for all sources but those that set them for themselves."""
    settings = load(
        tmp_path,
        """
        [fetch]
        interval = "2h"
        max_bytes = "1MiB"
        [[sources]]
        url = "https://a.example/feed"
        categories = ["A"]
        interval = "30m"
        [[sources]]
        url = "https://b.example/feed"
        categories = ["B"]
        """,
    )
    first, second = settings.sources
    assert (first.fetch.interval, second.fetch.interval) == (1800, 7200)
    assert (first.fetch.max_bytes, second.fetch.max_bytes) == (1048576, 1048576)
    assert first.name == "https://a.example/feed"


def test_the_user_agent_names_program_version_and_contact(tmp_path: Path) -> None:
    """Servers learn who asks and where to complain."""
    settings = load(
        tmp_path,
        """
        [site]
        base_url = "https://news.example.org"
        [[sources]]
        url = "https://a.example/feed"
        categories = ["A"]
        """,
    )
    assert settings.sources[0].fetch.user_agent == "aggregator/0.1.0 (+https://news.example.org/)"


def test_the_address_of_the_site_is_a_uri(tmp_path: Path) -> None:
    """People write it in their own letters; feeds and servers get what RFC 3986 allows, and others stay."""
    for written, expected in (
        ("https://новости.example/ü", "https://xn--b1amnebsh.example/%C3%BC/"),
        ("https://a.example/<x>/", "https://a.example/%3Cx%3E/"),
        ("HTTPS://A.example:8080/b%20c/", "HTTPS://A.example:8080/b%20c/"),
    ):
        assert load(tmp_path, f'[site]\nbase_url = "{written}"').site.base_url == expected


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    """Where the program is started does not matter."""
    settings = load(
        tmp_path,
        """
        [storage]
        url = "sqlite:///data/x.db"
        [[seeds]]
        path = "old/archive"
        """,
    )
    assert settings.storage_url == f"sqlite:///{tmp_path}/data/x.db"
    assert settings.sources[0].path == tmp_path / "old/archive"
    assert settings.sources[0].name == "old/archive"
    assert settings.sources[0].categories == ("old/archive",)


def test_every_mistake_is_reported_at_once_with_where_and_what_is_right(tmp_path: Path) -> None:
    """One run of `check` shows all that is wrong."""
    found = problems(
        tmp_path,
        """
        [site]
        titel = "x"
        [fetch]
        interval = "soon"
        max_bytes = "10XB"
        [[seeds]]
        path = "seeds"
        timezone = "Mars"
        [[sources]]
        name = "a"
        url = "ftp://a.example/"
        categories = []
        [[sources]]
        name = "a"
        url = "https://b.example/"
        """,
    )
    assert found == [
        "[site], key titel: unknown key; did you mean title?",
        '[fetch], key interval: found \'soon\'; write a duration like "90s", "30m", "1h30m" or "365d"',
        '[fetch], key max_bytes: found \'10XB\'; write a size like "10MiB", "500KB" or a number of bytes',
        (
            "[[seeds]] 1, key timezone: found 'Mars'; "
            'write the name of a time zone, like "Asia/Shanghai" or "UTC"'
        ),
        "[[sources]] 1 'a', key categories: found []; name at least one category, like [\"News\"]",
        (
            "[[sources]] 1 'a', key url: found 'ftp://a.example/'; "
            'write a whole address, like "https://example.org/feed.xml"'
        ),
        (
            "[[sources]] 2 'a', key categories: missing; "
            'add it, from wide to narrow, like categories = ["News", "Example"]'
        ),
        "[[sources]] 2, key name: 'a' is that of [[sources]] 1 too; give each a name of its own",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("interval = 1", "key interval: unknown key"),
        ("[fetch]\ninterval = 3600", "[fetch], key interval: found 3600"),
        ("[fetch]\nworkers = 0", "greater than or equal to 1"),
        ("[outputs]\nentries_per_feed = 99999999999999999999", "less than or equal to 1000000000"),
        ('[storage]\nkeep = "99999999999d"', 'write at most "36500d"'),
        ("[fetch]\nworkers = true", "valid integer"),
        ('[fetch]\ntimeout = "5m"', 'write at most "4m": a pass waits for it'),
        ('[dedup]\nwindow = "61d"', 'write at most "60d": what texts'),
        ('[fetch]\nheaders = {"a b" = "c"}', "write header names"),
        ('[fetch]\nheaders = {a = "b\\r\\nc"}', "control characters"),
        ('[site]\nbase_url = "news.example.org"', "write a whole address"),
        ('[site]\nbase_url = "https://news.example.org/\\u0001"', "write a whole address"),
        ('[outputs]\nformats = ["pdf"]', "'atom', 'rss' or 'json'"),
        ('[storage]\nurl = "mysql://x"', "[storage], key url"),
        ('[[sources]]\ncategories = ["A"]', "neither url nor path"),
        ('[[sources]]\nurl = "https://a.example/"\npath = "x"\ncategories = ["A"]', "both url and path"),
        (
            '[[sources]]\nurl = "https://a.example/"\ncategories = ["A"]\nschedule = "x"',
            "write five cron fields",
        ),
        (
            (
                '[[sources]]\nurl = "https://a.example/"\ncategories = ["A"]\n'
                'schedule = "* * * * *"\ninterval = "1h"'
            ),
            "both interval and schedule",
        ),
        (
            (
                '[[sources]]\nname = "a"\nurl = "https://a.example/"\ncategories = ["A"]\n'
                '[[sources]]\nname = "b"\nurl = "https://a.example/"\ncategories = ["A"]'
            ),
            "'https://a.example/' is that of [[sources]] 1 too",
        ),
        (
            (
                '[[sources]]\nname = "a"\nurl = "https://a.example"\ncategories = ["A"]\n'
                '[[sources]]\nname = "b"\nurl = "HTTPS://A.example:443/#top"\ncategories = ["A"]'
            ),
            "'HTTPS://A.example:443/#top' is that of [[sources]] 1 too",
        ),
        (
            '[[sources]]\nurl = "https://a.example/"\ncategories = ["A"]\nauth = "basic:me:secret"',
            'write "basic:USER:env:VARIABLE"',
        ),
        (
            '[clean]\nplayers = ["https://a.example/"]',
            "[clean], key players: found ['https://a.example/']; write a list",
        ),
        (
            "[[categories]]\nnoindex = true",
            '[[categories]] 1, key path: missing; add the category, from wide to narrow, like path = ["News"',
        ),
        ("[fetch]\nfull_text_budget = -1", "[fetch], key full_text_budget"),
        (
            (
                '[[sources]]\nname = "a"\nurl = "https://a.example/"\ncategories = ["A"]\n'
                "excerpt = 300\nfull_text = true"
            ),
            "[[sources]] 1 'a': both excerpt and full_text",
        ),
        (
            "sources = 3",
            "key sources: found 3; write each in a table of its own that begins with [[sources]]",
        ),
        ('[sources]\nname = "a"', "write each in a table of its own that begins with [[sources]]"),
        ('[outputs]\nformats = "atom"', "found 'atom'; write a list, like"),
        ('[[rules]]\ndrop = "x"', "key drop: found 'x'; write a table"),
        ('[serve]\nin_daemon = "yes"', "write true or false"),
        ('[serve]\nbind = "8080"', 'write an address and a port, like "127.0.0.1:8080"'),
        ('[serve]\nbind = "127.0.0.1:99999"', 'write an address and a port, like "127.0.0.1:8080"'),
        ('[site]\nlanguage = "en_GB"', 'write a language tag, like "en"'),
        ('[site]\nbase_url = "https://news.example.org/?a#b"', "write the address of a folder"),
        ('[storage]\nurl = "a.db"', 'like "sqlite:///storage/aggregator.db"'),
        ('[outputs]\ndirectory = "a\\u0000b"', "remove the NUL characters"),
        (
            '[[sources]]\nname = "a\\u0000b"\nurl = "https://a.example/"\ncategories = ["A"]',
            "key name: found 'a\\x00b'; remove the NUL characters",
        ),
        (
            '[fetch]\nuser_agent = "a\\nb"',
            "[fetch], key user_agent: found 'a\\nb'; remove the control characters",
        ),
        ('[[sources]]\nurl = "http://a.example:99999/"\ncategories = ["A"]', "write a whole address"),
        ("seeds = [3]", "[[seeds]] 1"),
        ("a = ", "TOML"),
    ],
)
def test_a_mistake_has_one_clear_line(tmp_path: Path, text: str, expected: str) -> None:
    """Each kind of mistake names its place and what would be right."""
    (found,) = problems(tmp_path, text)
    assert expected in found


def test_a_file_is_one_source_however_its_path_is_written(tmp_path: Path) -> None:
    """From the folder of the settings or from the root."""
    rows = [
        f"[[sources]]\npath = {path!r}\ncategories = ['A']" for path in ("feed.xml", f"{tmp_path}/feed.xml")
    ]
    (found,) = problems(tmp_path, "\n".join(rows))
    assert found.endswith(f"key path: '{tmp_path}/feed.xml' is that of [[sources]] 1 too; remove one of them")


def test_a_missing_settings_file_is_said_so(tmp_path: Path) -> None:
    """Somebody who starts in the wrong folder learns what to do."""
    with pytest.raises(SettingsError, match="it is not there; make it, or name another with --config"):
        config.load(tmp_path / "feeds.toml")


def test_a_current_folder_that_was_removed_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands are typed in folders that others remove."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SettingsError, match="the current folder is not there any more; go to another"):
        config.load(None)
    assert load(tmp_path, "").file == tmp_path / "feeds.toml"


def test_a_folder_whose_name_is_no_text_is_said_so(tmp_path: Path) -> None:
    """Databases hold text, and paths of sources and outputs begin with it."""
    folder = tmp_path / os.fsdecode(b"d\xff")
    folder.mkdir()
    (folder / "feeds.toml").touch()
    with pytest.raises(SettingsError, match="its folder's name is not UTF-8; move it to one whose name is"):
        config.load(folder / "feeds.toml")


def test_a_settings_file_in_another_encoding_is_said_so(tmp_path: Path) -> None:
    """A GBK file is named as such instead of a traceback."""
    file = tmp_path / "feeds.toml"
    file.write_bytes('[site]\ntitle = "新闻"'.encode("gbk"))
    with pytest.raises(SettingsError, match="not UTF-8; save the file as UTF-8"):
        config.load(file)


def test_a_missing_folder_is_a_problem_that_check_reports(tmp_path: Path) -> None:
    """The settings load, so that other sources go on, and the folder is named."""
    load(tmp_path, '[[seeds]]\npath = "nowhere"')
    with pytest.raises(SettingsError) as caught:
        config.load(tmp_path / "feeds.toml", files=True)
    (problem,) = caught.value.problems
    assert str(problem).startswith(
        f"[[seeds]] 1, key path: {tmp_path}/nowhere is not there; correct the path"
    )


def test_a_file_is_no_folder_and_a_folder_is_no_feed(tmp_path: Path) -> None:
    """What is there, and is not what the table is about, is reported as what is missing is; `~nobody` too."""
    (tmp_path / "feed.xml").touch()
    text = """
        [[seeds]]
        path = "feed.xml"
        [[sources]]
        name = "a"
        path = "."
        categories = ["A"]
        [[sources]]
        path = "~nobody-of-that-name/feed.xml"
        categories = ["A"]
    """
    load(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        config.load(tmp_path / "feeds.toml", files=True)
    assert [problem.where for problem in caught.value.problems] == [
        "[[seeds]] 1, key path",
        "[[sources]] 1 'a', key path",
        "[[sources]] 2, key path",
    ]
    assert [problem.right for problem in caught.value.problems][:2] == [
        "name the folder that holds the articles",
        "name the feed file itself",
    ]


def test_what_tables_say_together_is_reported_beside_what_keys_say(tmp_path: Path) -> None:
    """A bad duration hides neither a missing address, nor an idle rule, nor a file that is not there."""
    (tmp_path / "feeds.toml").write_text(
        """
        [fetch]
        interval = "soon"
        [[sources]]
        [[sources]]
        path = "nowhere.xml"
        url = "https://a.example/"
        categories = ["A"]
        [[rules]]
        [[rules]]
        drop = {}
        [[rules]]
        source = "nobody"
        drop = {titel = "x"}
        """
    )
    with pytest.raises(SettingsError) as caught:
        config.load(tmp_path / "feeds.toml", files=True)
    assert [f"{problem.where}: {problem.found}" for problem in caught.value.problems] == [
        "[fetch], key interval: found 'soon'",
        "[[sources]] 1, key categories: missing",
        "[[rules]] 3, key drop.titel: unknown key",
        "[[sources]] 1: neither url nor path",
        "[[sources]] 2: both url and path",
        "[[rules]] 1: it does nothing",
        "[[rules]] 2, key drop: it is empty",
        "[[rules]] 3, key source: no source is named 'nobody'",
        f"[[sources]] 2, key path: {tmp_path}/nowhere.xml is not there",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('[outputs]\ndirectory = "."', ["the settings", "the database"]),
        ('[outputs]\ndirectory = "storage"', ["the database"]),
        ('[outputs]\ndirectory = ".."\n[storage]\nurl = "sqlite:////elsewhere/a.db"', ["the settings"]),
        ('[outputs]\ndirectory = "storage/out"', []),
    ],
)
def test_what_is_handed_out_holds_no_secrets(tmp_path: Path, text: str, shown: list[str]) -> None:
    """Whoever serves the folder of outputs would hand out the settings or the database in it."""
    found = problems(tmp_path, text) if shown else []
    assert [name for problem in found for name in shown if f"holds {name}, " in problem] == shown
    if not shown:
        load(tmp_path, text)


def test_a_key_whose_feature_is_missing_is_a_warning(tmp_path: Path) -> None:
    """A file written for a later version still works."""
    settings = load(tmp_path, '[scale]\nengine = "procrastinate"')
    assert [problem.where for problem in settings.warnings] == ["[scale], key engine"]


@given(st.integers(0, 10**6), st.sampled_from("smhdw"))
def test_durations_are_numbers_with_a_unit(number: int, unit: str) -> None:
    """Any whole number with a unit is a duration."""
    assert (
        parse_duration(f"{number}{unit}")
        == number * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    )


@given(st.text() | st.integers() | st.none() | st.booleans() | st.lists(st.integers()))
def test_nonsense_is_never_more_than_a_value_error(value: object) -> None:
    """Whatever stands in the file, parsing gives a number or a ValueError."""
    for parse in (parse_duration, parse_size):
        with contextlib.suppress(ValueError):
            assert parse(value) >= 0


def test_how_articles_are_told_apart_can_be_set(tmp_path: Path) -> None:
    """Each key of [dedup], [flood] and of revisions reaches the store's policy; a limit of 0 is none."""
    settings = load(
        tmp_path,
        """
        [storage]
        keep_revisions = 0
        [dedup]
        near = "merge"
        threshold = 0.8
        window = "5d"
        [flood]
        limit = 0
        age = "30d"
        """,
    )
    assert settings.policy == Policy(
        near="merge",
        threshold=0.8,
        window=5 * 86400.0,
        keep_revisions=0,
        flood_limit=None,
        flood_age=30 * 86400.0,
    )
    assert load(tmp_path, "").policy == Policy()


def test_what_cannot_tell_articles_apart_is_reported(tmp_path: Path) -> None:
    """Each with what would be right."""
    found = problems(
        tmp_path,
        """
        [storage]
        keep_revisions = -1
        [dedup]
        threshold = 0.1
        window = "61d"
        [flood]
        limit = true
        age = "0s"
        """,
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "[storage], key keep_revisions",
        "[dedup], key threshold",
        "[dedup], key window",
        "[flood], key limit",
        "[flood], key age",
    ]
    assert "0.3" in found[1]
    assert "at most" in found[2]


def test_a_mistake_is_shown_without_the_secret_in_it(tmp_path: Path) -> None:
    """The daemon writes mistakes into the journal."""
    found = problems(
        tmp_path,
        """
        [storage]
        url = "mysql://me:S3CRET@db.example/x"
        [fetch]
        proxy = "me:S3CRET@proxy.example:3128"
        headers = {Authorization = "Bearer S3CRET\\n"}
        [[sources]]
        name = "a"
        url = "ftp://me:S3CRET@a.example/"
        categories = ["A"]
        auth = "basic:me:S3CRET"
        [[sources]]
        name = "b"
        url = "ftp://me:S3CRET@a.example/"
        categories = ["A"]
        """,
    )
    assert len(found) == 7
    assert [problem for problem in found if "S3CRET" in problem] == []
