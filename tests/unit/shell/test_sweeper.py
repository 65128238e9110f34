"""The sweeper deletes what has outlived its time, never anything that is not accounted, and not all at once."""

from datetime import timedelta
from typing import Any

import pytest

from builders import make_job, make_report
from coppice.handlers.sweeper import MOST_AT_ONCE, Sweeper
from coppice.index import Index
from fake_cluster import FakeClock, FakeCluster

STAMP = {"status": "True", "reason": "X", "lastTransitionTime": "2026-01-01T00:00:00Z"}


class Town:
    """A cluster, its index and a sweeper."""

    def __init__(self, retention: timedelta | None = None) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.index = Index(self.clock)
        self.sweeper = Sweeper(self.cluster, self.index, self.clock, retention)

    def job(self, name: str, *, ttl: int | None = None, policy_ttl: int | None = None, accounted: bool = True) -> None:
        """A job that finished an hour ago."""
        spec = make_job(name).set("spec.ttlSecondsAfterFinished", ttl).body()
        conditions = [{"type": "Finished", **STAMP}, *([{"type": "Accounted", **STAMP}] if accounted else [])]
        ended = (self.clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        status: dict[str, Any] = {"conditions": conditions, "completionTime": ended}
        if policy_ttl is not None:
            status["resolved"] = {"ttlSecondsAfterFinished": policy_ttl}
        self.cluster.add({**spec, "status": status})

    async def swept(self) -> list[str]:
        """Names of what a sweep leaves."""
        self.cluster.feed(self.index, ("TrainingJob", "TrainingReport"))
        await self.sweeper.sweep()
        return [name for (_, _, name) in self.cluster.objects]


@pytest.mark.parametrize(
    ("ttl", "policy_ttl", "accounted", "stays"),
    [
        (None, None, True, True),
        (3599, None, True, False),
        (3601, None, True, True),
        (0, None, True, False),
        (None, 60, True, False),
        (7200, 60, True, True),
        (60, None, False, True),
    ],
)
async def test_a_job_goes_when_its_time_is_over_and_it_is_accounted(
    ttl: int | None, policy_ttl: int | None, accounted: bool, stays: bool
) -> None:
    town = Town()
    town.job("done", ttl=ttl, policy_ttl=policy_ttl, accounted=accounted)
    assert (await town.swept() == ["done"]) is stays


async def test_a_burst_of_expired_jobs_is_spread_over_sweeps() -> None:
    town = Town()
    for number in range(MOST_AT_ONCE + 5):
        town.job(f"job-{number}", ttl=0)
    assert len(await town.swept()) == 5
    assert await town.swept() == []


@pytest.mark.parametrize(
    ("retention", "stays"), [(None, True), (timedelta(days=30), False), (timedelta(days=90), True)]
)
async def test_reports_are_kept_for_ever_unless_a_retention_is_set(retention: timedelta | None, stays: bool) -> None:
    town = Town(retention)
    town.cluster.add(make_report("old").body())  # finished on the first of January; now is the first of March
    assert (await town.swept() == ["old"]) is stays
