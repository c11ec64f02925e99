"""What the daemon tells again, and when."""

import time

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


def test_many_sources_cost_no_more_each_than_few() -> None:
    """What an hour holds is looked through seldom, however much it is."""
    begun = time.process_time()
    repeats = Repeats(lambda: 0.0)
    for number in range(50_000):
        repeats.is_news(number)
    assert time.process_time() - begun < 2
