"""What a round costs the rest of the operator: turns for others, and no more time than is its share."""

import asyncio
import threading
from collections import Counter
from itertools import count
from typing import Any

import pytest

from coppice import open_accounts
from coppice.accounting import workload as accounting
from coppice.lifecycle.workload import account_workload
from fake_cluster import copied
from workload_loop import NAMESPACE, WorkloadLoop


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Names of workloads whose account was computed, in order, and whether on the main thread."""
    found: list[tuple[str, bool]] = []

    def noted(observed: Any) -> Any:
        found.append((observed.workload.name, threading.current_thread() is threading.main_thread()))
        return account_workload(observed)

    monkeypatch.setattr(open_accounts, "account_workload", noted)
    return found


def running(number: int, pods: int = 1) -> WorkloadLoop:
    loop = WorkloadLoop()
    for name in (f"job-{one}" for one in range(number)):
        workload = loop.workload("Job", name)
        for pod in range(pods):
            loop.pod(workload, f"{name}-{pod}")
    return loop


async def test_workloads_without_news_take_turns_within_the_share_of_time(computed: list[tuple[str, bool]]) -> None:
    loop = running(open_accounts.TOGETHER * 4)
    await loop.round()
    computed.clear()
    steps = count()
    loop.accountant.open.timer = lambda: float(next(steps))
    rounds = 0
    while len({name for name, _ in computed}) < open_accounts.TOGETHER * 4:
        before = len(computed)
        await loop.round()
        rounds += 1
        assert before < len(computed) < before + open_accounts.TOGETHER * 4
    assert rounds > 1
    assert set(Counter(computed).values()) == {1}, "the oldest first"


async def test_news_is_accounted_at_once_however_little_time_there_is(computed: list[tuple[str, bool]]) -> None:
    loop = running(40)
    await loop.round()
    steps = count()
    loop.accountant.open.timer = lambda: 60.0 * next(steps)
    await loop.round()
    computed.clear()
    pod = next(body for (kind, _, name), body in loop.cluster.objects.items() if (kind, name) == ("Pod", "job-17-0"))
    loop.cluster.end_pod(pod)
    await loop.round()
    assert [name for name, _ in computed] == ["job-17"]


async def test_what_could_not_be_written_is_tried_again_in_the_next_round() -> None:
    loop = running(1)
    opened = loop.ledger.open

    async def refuse(*_: object) -> None:
        raise open_accounts.ClusterError("not now")

    loop.ledger.open = refuse  # type: ignore[method-assign, assignment]
    await loop.round()
    loop.ledger.open = opened  # type: ignore[method-assign]
    loop.accountant.open.timer = lambda: float("inf")
    await loop.round()
    assert [entry.name for entry in loop.entries] == ["job-0"]


async def test_others_have_their_turn_between_two_workloads() -> None:
    loop = running(40)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await loop.round()
    task.cancel()
    assert turns >= 40


async def test_a_workload_of_many_pods_is_computed_beside_the_event_loop(computed: list[tuple[str, bool]]) -> None:
    loop = running(1, pods=open_accounts.HEAVY)
    await loop.round()
    assert computed == [("job-0", False)]
    [entry] = loop.entries
    assert entry.name == "job-0"


async def test_a_pass_computes_the_account_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = running(1)
    await loop.round()
    calls = []
    real = accounting.account_of
    monkeypatch.setattr(accounting, "account_of", lambda uses: calls.append(uses) or real(uses))
    await loop.round()
    assert len(calls) == 1


async def test_a_new_process_does_not_tell_the_ledger_of_all_at_once() -> None:
    loop = running(40)
    await loop.rounds(4)
    loop.restart()
    start = {entry.uid: entry.energy_watt_hours for entry in loop.entries}
    most = 0
    for _ in range(21):
        before = {entry.uid: entry.energy_watt_hours for entry in loop.entries}
        await loop.round()
        most = max(most, sum(before[entry.uid] != entry.energy_watt_hours for entry in loop.entries))
    assert 0 < most < 20
    assert all(entry.energy_watt_hours > start[entry.uid] for entry in loop.entries)


async def test_a_pod_that_has_no_price_any_more_is_not_told_to_the_ledger_in_every_round() -> None:
    loop = running(1, pods=2)
    await loop.rounds(2)
    loop.cluster.remove("Pod", NAMESPACE, "job-0-0")
    await loop.rounds(2)
    assert [pod.uid for pod in loop.entries[0].gone]
    [profile] = [place for place in loop.cluster.objects if place[0] == "ComputeProfile"]
    renamed = copied(loop.cluster.remove(*profile))
    renamed["metadata"] |= {"name": "renamed"}
    loop.cluster.add(renamed)
    told: list[object] = []
    expect = loop.ledger.expect

    async def noted(namespace: str, entry: Any) -> None:
        told.append(entry)
        await expect(namespace, entry)

    loop.ledger.expect = noted  # type: ignore[method-assign]
    for _ in range(4):
        loop.restart()
        await loop.rounds(2)
    assert len(told) <= 1


async def test_of_a_workload_no_more_is_kept_than_what_its_event_needs() -> None:
    loop = running(1)
    await loop.round()
    [life] = loop.accountant.open.lives.values()
    assert set(life.body) == {"apiVersion", "kind", "metadata"}
    assert set(life.body["metadata"]) == {"namespace", "name", "uid"}


async def test_pods_are_asked_for_by_as_many_names_as_an_address_takes() -> None:
    names = [f"{'a' * 58}{number:04}" for number in range(200)] + [f"b{number}" for number in range(200)]
    loop = WorkloadLoop()
    pods = {name: loop.pod(loop.workload("Job", name))["metadata"]["uid"] for name in names}
    asked: list[str] = []
    listed = loop.cluster.list

    async def noted(kind: str, namespace: str | None = None, selector: str | None = None) -> Any:
        if kind == "Pod":
            asked.append(selector or "")
        return await listed(kind, namespace, selector)

    loop.cluster.list = noted  # type: ignore[method-assign]
    await loop.round()
    assert max(len(selector.replace(",", "%2C")) for selector in asked) < 6000
    assert len(asked) == 3
    assert {life.workload.name: uid for life in loop.accountant.open.lives.values() for uid in life.pods} == pods
