"""The start gate waits for what is missing and says what; the resync repairs what no watch has told."""

import asyncio
from typing import Any

import pytest

from builders import make_job
from coppice.handlers.intake import Intake
from coppice.handlers.listing import LONGEST_WAIT_SECONDS, list_all, pass_gate, resync_for_ever, wake_unfinished
from coppice.handlers.watches import Watches
from coppice.index import Index, Key
from coppice.ports import ClusterError, Forbidden, NotFound, Unavailable
from coppice.queue import WorkQueue
from fake_cluster import FakeClock, FakeCluster

JOB = Key("TrainingJob", "research", "newswire-topics")


class Nap:
    """A sleep that takes no time and notes what was asked."""

    def __init__(self, most: int = 1000) -> None:
        self.slept: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self._most:
            raise asyncio.CancelledError
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NotFound("LIST TrainingJob"), "install the CustomResourceDefinitions"),
        (Forbidden("LIST Pod"), "install the ClusterRole"),
        (Unavailable("no answer"), "no answer"),
    ],
)
async def test_the_gate_says_what_is_missing_and_goes_on_when_it_is_there(error: ClusterError, advice: str) -> None:
    errors = [error] * 8
    told: list[str] = []
    nap = Nap()

    async def fill() -> None:
        if errors:
            raise errors.pop()

    await pass_gate(fill, told.append, nap)
    assert all(advice in sentence for sentence in told)
    assert len(told) == 8
    assert nap.slept == sorted(nap.slept)
    assert max(nap.slept) <= LONGEST_WAIT_SECONDS


async def test_a_mistake_of_our_own_is_not_waited_for() -> None:
    async def fill() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await pass_gate(fill, lambda _: None, Nap())


class Desk:
    """A fake cluster, an index and a queue whose passes are only noted."""

    def __init__(self) -> None:
        self.cluster = FakeCluster(FakeClock())
        self.index = Index(self.cluster.clock)
        self.passes: list[Key] = []
        self.queue: WorkQueue[Key] = WorkQueue(self.note, workers=1)
        self.watches = Watches(lambda: 0.0, patience_seconds=-1)
        self.intake = Intake(self.index, self.queue, self.watches)

    async def note(self, key: Key) -> float | None:
        self.passes.append(key)
        return None

    async def worked(self) -> list[Key]:
        """The passes that what is waiting causes."""
        self.passes.clear()
        task = asyncio.create_task(self.queue.run())
        while self.queue.waiting or self.queue.working:  # noqa: ASYNC110 - no event tells of an idle queue
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return list(self.passes)


async def test_a_vanished_job_that_nobody_announced_is_found_by_the_resync() -> None:
    desk = Desk()
    desk.cluster.add(make_job().body())
    await list_all(desk.cluster, desk.intake)
    await desk.worked()
    desk.cluster.remove("TrainingJob", "research", "newswire-topics")
    with pytest.raises(asyncio.CancelledError):
        await resync_for_ever(desk.cluster, desk.intake, desk.index, desk.queue, 300, Nap(most=1))
    assert desk.index.job(JOB) is None
    assert await desk.worked() == [JOB]


async def test_the_resync_wakes_what_is_unfinished_and_leaves_the_rest() -> None:
    desk = Desk()
    done = {"type": "Finished", "status": "True"}, {"type": "Accounted", "status": "True"}
    desk.cluster.add({**make_job("done").body(), "status": {"conditions": list(done)}})
    desk.cluster.add(make_job().body())
    await list_all(desk.cluster, desk.intake)
    await desk.worked()
    wake_unfinished(desk.index, desk.queue)
    assert await desk.worked() == [JOB]


async def test_a_resync_that_fails_is_put_off() -> None:
    desk = Desk()
    calls = []

    async def fail(*_: Any) -> Any:
        calls.append(1)
        raise Unavailable("down")

    desk.cluster.list = fail  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await resync_for_ever(desk.cluster, desk.intake, desk.index, desk.queue, 300, Nap(most=3))
    assert len(calls) == 3


async def test_news_that_only_our_list_has_makes_the_watch_owe_it() -> None:
    desk = Desk()
    body = desk.cluster.add(make_job().body())
    await list_all(desk.cluster, desk.intake)
    assert desk.watches.stalled() == ["TrainingJob"]
    desk.intake.event("TrainingJob", None, body)
    assert desk.watches.stalled() == []


async def test_a_deletion_at_the_door_drops_and_wakes() -> None:
    desk = Desk()
    body = desk.cluster.add(make_job().body())
    desk.intake.event("TrainingJob", "ADDED", body)
    await desk.worked()
    gone = {**body, "metadata": {**body["metadata"], "resourceVersion": "99"}}
    desk.intake.event("TrainingJob", "DELETED", gone)
    assert desk.index.job(JOB) is None
    assert await desk.worked() == [JOB]


async def test_the_resync_drops_the_recheck_of_a_job_that_is_no_more() -> None:
    desk = Desk()
    desk.cluster.add(make_job().body())
    await list_all(desk.cluster, desk.intake)
    await desk.worked()
    gone = Key("TrainingJob", "research", "gone")
    desk.queue.call_later(0.0, gone)
    wake_unfinished(desk.index, desk.queue)
    await asyncio.sleep(0)
    assert await desk.worked() == [JOB]
