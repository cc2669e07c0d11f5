"""Work done ahead: its order, its bound, its errors, and its end."""

import threading
import time

import pytest

from computing.ahead import ahead
from errors import InputError


def test_results_come_in_the_order_of_the_items_whichever_is_ready_first():
    def slow_if_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return 10 * number

    for threads in (0, 1, 3):
        assert list(ahead(slow_if_first, range(5), most=3, threads=threads)) == [0, 10, 20, 30, 40]


def test_as_many_as_asked_for_are_at_work_at_once():
    both = threading.Barrier(2, timeout=5)
    assert list(ahead(lambda _: both.wait() >= 0, range(4), most=2, threads=2)) == 4 * [True]


def test_no_more_results_than_the_bound_wait_in_memory():
    begun = []
    results = ahead(begun.append, range(100), most=3, threads=2)
    next(results)
    time.sleep(0.05)
    assert begun == [0, 1, 2, 3]  # the one that was taken, and three


def test_an_error_comes_where_its_result_is_due_with_its_own_message():
    def refuse_the_third(number: int) -> int:
        if number == 2:
            raise InputError("utterance 2: not readable")
        return number

    results = ahead(refuse_the_third, range(5), most=4, threads=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(InputError, match="^utterance 2: not readable$"):
        next(results)


def test_a_consumer_that_stops_early_does_not_wait_for_what_has_not_begun():
    begun = []

    def slow(number: int) -> int:
        begun.append(number)
        time.sleep(0.05)
        return number

    results = ahead(slow, range(100), most=50, threads=1)
    next(results)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 1
    assert len(begun) < 5
