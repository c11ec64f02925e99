import pytest

from aggregator.serve.http import accepts_gzip, fails, not_modified

WHEN = 1663061330.5  # Tue, 13 Sep 2022 09:28:50 GMT and a half


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip, deflate, br", True),
        ("GZIP", True),
        ("br;q=1.0, gzip; q=0.8", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=nonsense", False),
        ("", False),
        (",,;;", False),
    ],
)
def test_what_a_client_accepts(header: str, *, expected: bool) -> None:
    """gzip is used where it is named with a weight above zero, and not otherwise."""
    assert accepts_gzip(header) is expected


@pytest.mark.parametrize(
    ("none_match", "since", "expected"),
    [
        ('"a"', None, True),
        ('W/"a"', None, True),
        ('"b", "a"', None, True),
        ("*", None, True),
        ('"b"', None, False),
        ("", None, False),
        (None, "Tue, 13 Sep 2022 09:28:50 GMT", True),
        (None, "Tue, 13 Sep 2022 09:28:49 GMT", False),
        (None, "Tuesday, 13-Sep-22 09:28:50 GMT", True),
        (None, "yesterday", False),
        (None, "Tue, 13 Sep 99999 09:28:50 GMT", False),
        ('"b"', "Tue, 13 Sep 2022 09:28:50 GMT", False),
        (None, None, False),
    ],
)
def test_either_validator_saves_the_body(
    none_match: str | None, since: str | None, *, expected: bool
) -> None:
    """A tag or a date that still holds is enough; where both are there the tag alone counts."""
    assert not_modified('"a"', WHEN, none_match, since) is expected


@pytest.mark.parametrize(
    ("match", "since", "expected"),
    [
        (None, None, False),
        ('"a"', None, False),
        ('"b", "a"', None, False),
        ("*", None, False),
        ('"b"', None, True),
        ('W/"a"', None, True),
        ('"a"', "Tue, 13 Sep 2022 09:28:49 GMT", False),
        (None, "Tue, 13 Sep 2022 09:28:49 GMT", True),
        (None, "Tue, 13 Sep 2022 09:28:50 GMT", False),
        (None, "yesterday", False),
    ],
)
def test_a_client_may_want_the_one_it_knows(match: str | None, since: str | None, *, expected: bool) -> None:
    """By a strong comparison of tags, else by the date; what is no date does not count."""
    assert fails('"a"', WHEN, match, since) is expected
