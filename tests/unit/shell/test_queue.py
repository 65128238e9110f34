"""The work queue: who is next, never two workers on one key, and failures that back off alone."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from coppice.ports import Conflict, Unavailable
from coppice.queue import Backoff, Outcome, WorkQueue
from coppice.queue.agenda import Agenda


def taken(agenda: Agenda[str], number: int) -> list[str | None]:
    keys = []
    for _ in range(number):
        key = agenda.take()
        keys.append(key)
        if key is not None:
            agenda.done(key)
    return keys


def agenda_of(*known: str) -> Agenda[str]:
    """An agenda on which these keys were worked on before."""
    agenda: Agenda[str] = Agenda()
    for key in known:
        agenda.add(key)
    taken(agenda, len(known))
    return agenda


def test_a_key_woken_twice_waits_once() -> None:
    agenda = agenda_of()
    assert agenda.add("a")
    assert not agenda.add("a")
    assert taken(agenda, 2) == ["a", None]


def test_a_key_is_never_with_two_workers() -> None:
    agenda = agenda_of()
    agenda.add("a")
    assert agenda.take() == "a"
    agenda.add("a")
    assert agenda.take() is None


def test_a_key_woken_during_its_pass_wants_exactly_one_more() -> None:
    agenda = agenda_of()
    agenda.add("a")
    agenda.take()
    agenda.add("a")
    agenda.add("a")
    assert agenda.done("a")
    agenda.add("a")
    agenda.take()
    assert not agenda.done("a")


def test_new_keys_come_first_and_every_fourth_turn_goes_to_the_others() -> None:
    agenda = agenda_of("old1", "old2")
    for key in ("old1", "old2", "n1", "n2", "n3", "n4", "n5", "n6"):
        agenda.add(key)
    order = taken(agenda, 8)
    assert [key for key in order if key and key.startswith("n")] == ["n1", "n2", "n3", "n4", "n5", "n6"]
    gaps = [order.index("old1"), order.index("old2")]
    assert gaps[1] - gaps[0] == 4
    assert gaps[0] < 4


def test_without_new_keys_the_others_go_in_order() -> None:
    agenda = agenda_of("a", "b")
    agenda.add("b")
    agenda.add("a")
    assert taken(agenda, 3) == ["b", "a", None]


def test_a_key_that_was_forgotten_is_new_when_it_comes_back() -> None:
    agenda = agenda_of("gone", "kept")
    agenda.retain({"kept"})
    agenda.add("kept")
    agenda.add("gone")
    assert agenda.take() == "gone"


STEADY = Backoff(base_seconds=1.0, cap_seconds=60.0, conflict_seconds=0.01, random=lambda: 1.0)


@pytest.mark.parametrize(
    ("failures", "error", "seconds"),
    [
        (1, ValueError(), 1.0),
        (2, ValueError(), 2.0),
        (5, ValueError(), 16.0),
        (50, ValueError(), 60.0),
        (5000, ValueError(), 60.0),
        (1, Conflict("x"), 0.01),
        (30, Conflict("x"), 60.0),
        (1, Unavailable("x", retry_after_seconds=7), 7.0),
        (5, Unavailable("x", retry_after_seconds=7), 16.0),
        (1, Unavailable("x"), 1.0),
    ],
)
def test_the_wait_doubles_up_to_a_cap_and_keeps_the_servers_wish(
    failures: int, error: Exception, seconds: float
) -> None:
    assert STEADY.seconds(failures, error) == pytest.approx(seconds)


def test_half_of_the_wait_is_random() -> None:
    assert Backoff(base_seconds=1.0, random=lambda: 0.0).seconds(1, ValueError()) == pytest.approx(0.5)


class Work:
    """Passes that a test can hold, fail and count."""

    def __init__(self) -> None:
        self.passes: list[str] = []
        self.running: set[str] = set()
        self.gates: dict[str, asyncio.Event] = {}
        self.errors: dict[str, list[Exception]] = {}
        self.recheck: dict[str, float] = {}

    async def __call__(self, key: str) -> float | None:
        assert key not in self.running, "two workers on one key"
        self.passes.append(key)
        self.running.add(key)
        try:
            if key in self.gates:
                await self.gates[key].wait()
            errors = self.errors.get(key)
            if errors:
                raise errors.pop(0)
        finally:
            self.running.discard(key)
        return self.recheck.pop(key, None)


class Desk:
    """A running queue, its work, and what it told."""

    def __init__(self, workers: int = 4, backoff: Backoff | None = None) -> None:
        self.work = Work()
        self.told: list[Outcome[str]] = []
        at_once = Backoff(base_seconds=0.0, conflict_seconds=0.0)
        self.queue = WorkQueue(self.work, workers=workers, backoff=backoff or at_once, told=self.told.append)

    async def __aenter__(self) -> "Desk":
        self.task = asyncio.create_task(self.queue.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        for gate in self.work.gates.values():
            gate.set()
        self.queue.stop()
        await self.task

    async def until(self, holds: Callable[[], bool]) -> None:
        """Turn the event loop until something holds."""
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0)
        raise AssertionError("it never came to hold")


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_wake_during_the_pass_causes_exactly_one_more() -> None:
    async with Desk() as desk:
        desk.work.gates["a"] = asyncio.Event()
        desk.queue.wake("a")
        await desk.until(lambda: "a" in desk.work.running)
        desk.queue.wake("a", "a")
        desk.queue.wake("a")
        desk.work.gates["a"].set()
        await settle()
        assert desk.work.passes == ["a", "a"]


async def test_one_key_that_hangs_holds_up_no_other() -> None:
    async with Desk(workers=2) as desk:
        desk.work.gates["stuck"] = asyncio.Event()
        desk.queue.wake("stuck", "b", "c", "d")
        await desk.until(lambda: {"b", "c", "d"} <= set(desk.work.passes))


async def test_a_failing_key_is_tried_again_and_others_go_on() -> None:
    async with Desk() as desk:
        desk.work.errors["poison"] = [ValueError("bad"), ValueError("bad")]
        desk.queue.wake("poison", "good")
        await desk.until(lambda: desk.work.passes.count("poison") == 3)
        assert desk.work.passes.count("good") == 1
        assert [outcome.failures for outcome in desk.told if outcome.key == "poison"] == [1, 2, 0]


async def test_waking_a_key_in_back_off_does_not_shorten_the_wait() -> None:
    async with Desk(backoff=Backoff(base_seconds=3600.0)) as desk:
        desk.work.errors["poison"] = [ValueError("bad")]
        desk.queue.wake("poison")
        await desk.until(lambda: len(desk.told) == 1)
        desk.queue.wake("poison")
        desk.queue.call_later(0.0, "poison")
        await settle()
        assert desk.work.passes == ["poison"]


async def test_success_forgets_earlier_failures() -> None:
    async with Desk() as desk:
        desk.work.errors["a"] = [ValueError("bad")]
        desk.queue.wake("a")
        await desk.until(lambda: desk.work.passes.count("a") == 2)
        desk.work.errors["a"] = [ValueError("bad")]
        desk.queue.wake("a")
        await desk.until(lambda: desk.work.passes.count("a") == 4)
        assert [outcome.failures for outcome in desk.told] == [1, 0, 1, 0]


async def test_a_pass_that_asks_for_a_recheck_gets_one() -> None:
    async with Desk() as desk:
        desk.work.recheck["a"] = 0.0
        desk.queue.wake("a")
        await desk.until(lambda: desk.work.passes == ["a", "a"])
        await settle()
        assert desk.work.passes == ["a", "a"]


async def test_the_earlier_of_two_rechecks_holds() -> None:
    async with Desk() as desk:
        desk.queue.call_later(0.0, "a")
        desk.queue.call_later(3600.0, "a")
        await desk.until(lambda: desk.work.passes == ["a"])


async def test_stopping_finishes_what_is_under_way_and_takes_nothing_more() -> None:
    async with Desk(workers=1) as desk:
        desk.work.gates["a"] = asyncio.Event()
        desk.queue.wake("a", "b")
        await desk.until(lambda: "a" in desk.work.running)
        desk.queue.stop()
        desk.work.gates["a"].set()
        await desk.task
        assert desk.work.passes == ["a"]
        assert [outcome.error for outcome in desk.told] == [None]


async def test_timers_of_keys_that_are_no_more_are_dropped() -> None:
    async with Desk() as desk:
        desk.queue.call_later(0.0, "gone")
        desk.queue.retain({"kept"})
        await settle()
        assert desk.work.passes == []


async def test_an_observer_that_fails_ends_the_queue_because_it_is_our_own_fault() -> None:
    def observer(_: Outcome[str]) -> None:
        raise RuntimeError("a bug")

    work: Callable[[str], Awaitable[float | None]] = Work()
    queue = WorkQueue(work, workers=1, told=observer)
    queue.wake("a")
    with pytest.raises(ExceptionGroup):
        await queue.run()
