"""Leader election: one leads, the other waits; losing is certain before anybody else may begin."""

import asyncio
from typing import Any

import pytest

from coppice.adapters.lease import Lease, LeaseLost, Timing
from coppice.ports import Unavailable
from fake_cluster import FakeClock, FakeCluster

NAMESPACE, NAME = "coppice-system", "coppice-operator"


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Patchy(FakeCluster):
    """A cluster that can be cut off."""

    down = False

    async def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        self._check()
        return await super().get(kind, namespace, name)

    async def replace(self, manifest: Any) -> dict[str, Any]:
        self._check()
        return await super().replace(manifest)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("cut off")


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def cluster() -> Patchy:
    return Patchy(FakeClock())


def candidate(cluster: FakeCluster, seconds: Seconds, identity: str, timing: Timing | None = None) -> Lease:
    return Lease(
        cluster, cluster.clock, namespace=NAMESPACE, name=NAME, identity=identity, timing=timing, monotonic=seconds
    )


async def tries(lease: Lease) -> bool:
    return await lease._attempt()


def stored(cluster: FakeCluster) -> dict[str, Any]:
    spec: dict[str, Any] = cluster.objects["Lease", NAMESPACE, NAME]["spec"]
    return spec


async def test_the_first_candidate_leads_and_the_second_waits(cluster: Patchy, seconds: Seconds) -> None:
    first, second = candidate(cluster, seconds, "one"), candidate(cluster, seconds, "two")
    assert await tries(first)
    assert not await tries(second)
    assert second.holder == "one"
    assert not second.leading


async def test_a_leader_that_goes_silent_is_followed_after_its_duration(cluster: Patchy, seconds: Seconds) -> None:
    first, second = candidate(cluster, seconds, "one"), candidate(cluster, seconds, "two")
    await tries(first)
    await tries(second)
    seconds.now += 14
    assert not await tries(second)
    seconds.now += 2
    assert await tries(second)
    assert stored(cluster)["holderIdentity"] == "two"
    assert stored(cluster)["leaseTransitions"] == 1


async def test_a_leader_that_renews_is_not_followed(cluster: Patchy, seconds: Seconds) -> None:
    first, second = candidate(cluster, seconds, "one"), candidate(cluster, seconds, "two")
    await tries(first)
    for _ in range(10):
        assert not await tries(second)
        seconds.now += 10
        assert await tries(first)


async def test_what_another_clock_wrote_does_not_matter(cluster: Patchy, seconds: Seconds) -> None:
    await tries(candidate(cluster, seconds, "one"))
    stored(cluster)["renewTime"] = "1999-01-01T00:00:00.000000Z"
    assert not await tries(candidate(cluster, seconds, "two"))


async def test_renewing_keeps_the_time_of_acquisition(cluster: Patchy, seconds: Seconds) -> None:
    lease = candidate(cluster, seconds, "one")
    await tries(lease)
    acquired = stored(cluster)["acquireTime"]
    cluster.clock.advance(5)
    await tries(lease)
    assert stored(cluster)["acquireTime"] == acquired
    assert stored(cluster)["renewTime"] != acquired


async def test_a_released_lease_is_taken_at_once(cluster: Patchy, seconds: Seconds) -> None:
    first, second = candidate(cluster, seconds, "one"), candidate(cluster, seconds, "two")
    await tries(first)
    await tries(second)
    await first.release()
    assert await tries(second)


async def test_two_that_reach_for_a_free_lease_at_once_cannot_both_have_it(cluster: Patchy, seconds: Seconds) -> None:
    first, second = candidate(cluster, seconds, "one"), candidate(cluster, seconds, "two")
    await first._look()
    await second._look()
    assert [await tries(first), await tries(second)] == [True, False]


async def test_a_deposed_leader_ends_at_its_next_look(cluster: Patchy, seconds: Seconds) -> None:
    at_once = Timing(retry_seconds=0.0)
    first, second = candidate(cluster, seconds, "one", at_once), candidate(cluster, seconds, "two")
    await tries(first)
    await tries(second)
    seconds.now += 16
    await tries(second)
    with pytest.raises(LeaseLost):
        await first.keep()
    assert not first.leading


async def test_a_leader_that_cannot_renew_ends_before_its_duration_is_over(cluster: Patchy, seconds: Seconds) -> None:
    lease = candidate(cluster, seconds, "one", Timing(retry_seconds=0.0))
    await tries(lease)
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(0)
    cluster.down = True
    began = seconds.now
    while not keeping.done():
        seconds.now += 0.5
        await asyncio.sleep(0)
    assert isinstance(keeping.exception(), LeaseLost)
    assert seconds.now - began < Timing().duration_seconds


async def test_a_short_outage_costs_nothing(cluster: Patchy, seconds: Seconds) -> None:
    lease = candidate(cluster, seconds, "one", Timing(retry_seconds=0.0))
    await tries(lease)
    keeping = asyncio.create_task(lease.keep())
    for down in (False, True, False, True, False):
        cluster.down = down
        for _ in range(8):
            seconds.now += 0.5
            await asyncio.sleep(0)
    assert not keeping.done()
    keeping.cancel()


async def test_a_request_that_hangs_does_not_prolong_the_leading(cluster: Patchy) -> None:
    loop = asyncio.get_running_loop()
    timing = Timing(retry_seconds=0.0, renew_seconds=0.05)
    lease = Lease(cluster, cluster.clock, namespace=NAMESPACE, name=NAME, identity="one", timing=timing)
    await lease._attempt()

    async def hang(_: Any) -> dict[str, Any]:
        await loop.create_future()
        raise AssertionError

    cluster.replace = hang  # type: ignore[method-assign,assignment]
    with pytest.raises(LeaseLost):
        await lease.keep()


async def test_a_lease_that_somebody_deleted_is_made_again(cluster: Patchy, seconds: Seconds) -> None:
    lease = candidate(cluster, seconds, "one")
    await tries(lease)
    cluster.remove("Lease", NAMESPACE, NAME)
    assert not await tries(lease)
    assert await tries(lease)
