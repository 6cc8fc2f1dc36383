"""When a watch syncs which place: pure, with times made up."""

from __future__ import annotations

from companion.watch.agenda import FIRST_RETRY_S, LONGEST_RETRY_S, MAX_AT_ONCE, Agenda

EVERY = 60.0


def test_a_place_is_due_when_it_comes_and_again_after_a_good_sync() -> None:
    agenda = Agenda(EVERY)
    assert agenda.next_at() is None
    assert agenda.update(["b", "a"], 10) == (["a", "b"], [])
    assert agenda.next_at() == 10
    assert agenda.start(10) == ["a", "b"]
    assert agenda.start(10) == [] and agenda.next_at() is None
    assert agenda.ended("a", True, 13) == EVERY
    assert agenda.next_at() == 73
    assert agenda.start(72) == [] and agenda.start(73) == ["a"]
    assert agenda.update(["b", "a"], 74) == ([], [])


def test_what_fails_is_tried_at_growing_distances_until_it_succeeds() -> None:
    agenda = Agenda(EVERY)
    agenda.update(["a"], 0)
    waits = []
    now = 0.0
    for _ in range(10):
        assert agenda.start(now) == ["a"]
        waits.append(agenda.ended("a", False, now))
        now += waits[-1]
    assert waits[:3] == [FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S]
    assert waits == sorted(waits) and waits[-1] == LONGEST_RETRY_S
    assert agenda.start(now) == ["a"] and agenda.ended("a", True, now) == EVERY
    assert agenda.start(now + EVERY) == ["a"]
    assert agenda.ended("a", False, now) == FIRST_RETRY_S


def test_what_comes_back_is_due_at_once() -> None:
    agenda = Agenda(EVERY)
    agenda.update(["a"], 0)
    agenda.start(0)
    agenda.ended("a", False, 0)
    assert agenda.update([], 1) == ([], ["a"])
    assert agenda.next_at() is None
    assert agenda.update(["a"], 2) == (["a"], [])
    assert agenda.start(2) == ["a"] and agenda.ended("a", False, 2) == FIRST_RETRY_S


def test_a_place_that_goes_and_comes_during_its_sync_has_one_sync() -> None:
    agenda = Agenda(EVERY)
    agenda.update(["a"], 0)
    agenda.start(0)
    assert agenda.update([], 1) == ([], ["a"])
    assert agenda.update(["a"], 2) == (["a"], [])
    assert agenda.start(2) == []
    assert agenda.ended("a", False, 3) == FIRST_RETRY_S
    assert agenda.start(3 + FIRST_RETRY_S) == ["a"]
    agenda.update([], 9)
    agenda.ended("a", False, 9)
    assert agenda.next_at() is None and agenda.start(1e9) == []


def test_no_more_than_some_at_once_and_the_longest_overdue_first() -> None:
    agenda = Agenda(EVERY)
    late = [f"late{number}" for number in range(MAX_AT_ONCE)]
    agenda.update(late, 5)
    agenda.update([*late, "a"], 6)
    assert agenda.start(7) == late
    # Overdue, but there is no room: nothing to wake up for.
    assert agenda.next_at() is None
    agenda.ended("late3", True, 8)
    assert agenda.next_at() == 6
    assert agenda.start(8) == ["a"]
