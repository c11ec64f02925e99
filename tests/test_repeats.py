"""What the daemon tells again, and when."""

from aggregator.repeats import AGAIN, Repeats


def test_the_same_is_told_again_after_an_hour_and_a_change_at_once() -> None:
    """Each subject has a state of its own."""
    clock = [0.0]
    repeats = Repeats(lambda: clock[0])
    assert repeats.is_news("a", 1)
    assert not repeats.is_news("a", 1)
    assert repeats.is_news("b", 1)
    assert repeats.is_news("a", 2)
    assert repeats.is_news("a", 1)
    clock[0] += AGAIN - 1
    assert not repeats.is_news("a", 1)
    clock[0] += 1
    assert repeats.is_news("a", 1)


def test_what_is_remembered_is_bounded() -> None:
    """Months of ever other troubles take no more memory than those of an hour."""
    clock = [0.0]
    repeats = Repeats(lambda: clock[0])
    for number in range(5000):
        clock[0] += AGAIN / 10
        repeats.is_news(number)
    assert len(repeats._told) <= 1000
