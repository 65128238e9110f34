"""Workers that take keys from the agenda, and the timers that put them back.

The queue knows nothing of jobs: `work` gets a key and returns the seconds until it wants to look again, or None. A
failing key backs off alone; waking it during its back-off does not shorten the wait, or a poison object that changes
often would never back off.
"""

import asyncio
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass
from typing import Generic, TypeVar

from coppice.queue.agenda import Agenda
from coppice.queue.backoff import Backoff

K = TypeVar("K")


@dataclass(frozen=True)
class Outcome(Generic[K]):
    """How one pass went: `error` is None where it succeeded; `retry_seconds` is set where it did not."""

    key: K
    seconds: float
    error: Exception | None = None
    failures: int = 0
    retry_seconds: float | None = None


class WorkQueue(Generic[K]):
    """A work queue with `workers` workers; `wake` from anywhere in the loop, `run` as a task, `stop` to end it."""

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        *,
        workers: int = 16,
        backoff: Backoff | None = None,
        told: Callable[[Outcome[K]], None] = lambda _: None,
    ) -> None:
        self._work = work
        self._workers = workers
        self._backoff = backoff or Backoff()
        self._told = told
        self._agenda: Agenda[K] = Agenda()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._backing_off: set[K] = set()
        self._available = asyncio.Event()
        self._stopping = False

    def wake(self, *keys: K) -> None:
        """Ask for a pass over each key, soon; a key in back-off keeps its time."""
        for key in keys:
            if key not in self._backing_off:
                self._agenda.add(key)
        self._available.set()

    def call_later(self, seconds: float, key: K) -> None:
        """Ask for a pass in so many seconds; an earlier one that is due stays, and so does a back-off."""
        if key in self._backing_off:
            return
        due = asyncio.get_running_loop().time() + seconds
        timer = self._timers.get(key)
        if timer is None or timer.when() > due:
            self._set_timer(key, seconds)

    def retain(self, keys: Container[K]) -> None:
        """Drop timers and memories of keys that are no more."""
        for key in [key for key in self._timers if key not in keys]:
            self._timers.pop(key).cancel()
            self._backing_off.discard(key)
            self._failures.pop(key, None)
        self._agenda.retain(keys)

    @property
    def waiting(self) -> int:
        """Keys that wait for a worker."""
        return len(self._agenda)

    @property
    def working(self) -> int:
        """Keys with a worker."""
        return self._agenda.working

    async def run(self) -> None:
        """Work until `stop`; passes that are under way are finished."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._serve(), name=f"worker-{number}")

    def stop(self) -> None:
        """Take no further key; `run` returns when the last pass has ended."""
        self._stopping = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._available.set()

    async def _serve(self) -> None:
        while not self._stopping:
            key = self._agenda.take()
            if key is None:
                self._available.clear()
                await self._available.wait()
                continue
            await self._pass(key)

    async def _pass(self, key: K) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._cancel_timer(key)
        error: Exception | None = None
        recheck: float | None = None
        try:
            recheck = await self._work(key)
        except Exception as raised:  # noqa: BLE001 - whatever one key does, the other keys go on
            error = raised
        woken = self._agenda.done(key)
        outcome = Outcome(key, loop.time() - began)
        if error is None:
            self._succeeded(key, recheck, woken)
        else:
            outcome = self._failed(key, error, outcome.seconds)
        self._told(outcome)

    def _succeeded(self, key: K, recheck: float | None, woken: bool) -> None:
        self._failures.pop(key, None)
        if woken:
            self.wake(key)
        elif recheck is not None:
            self.call_later(recheck, key)

    def _failed(self, key: K, error: Exception, seconds: float) -> Outcome[K]:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        retry = self._backoff.seconds(failures, error)
        self._backing_off.add(key)
        self._set_timer(key, retry)
        return Outcome(key, seconds, error, failures, retry)

    def _set_timer(self, key: K, seconds: float) -> None:
        if self._stopping:
            return
        before = self._timers.get(key)
        if before is not None:
            before.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    def _cancel_timer(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self._backing_off.discard(key)
        self.wake(key)
