"""Whatever happens to workloads and the operator in whatever order: each is counted once, and no more than it used."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_profile
from fake_cluster import Body, CrashError
from workload_loop import LABELLED, WorkloadLoop

NAMES = ("a", "b")
BETWEEN = {"Job": (), "JobSet": ("Job",), "TrainJob": ("JobSet", "Job"), "PyTorchJob": ()}
ACTIONS = (
    "make", "pod", "pod", "round", "round", "round", "end pod", "fail pod", "remove pod",
    "end", "delete", "unlabel", "label", "restart", "kill before a write", "kill after a write",
)  # fmt: skip
LATE_SECONDS = 20
"""Until a round sees that a pod has vanished."""


def joules(seconds: float) -> float:
    """By hand: see test_workload_accounts."""
    host = make_profile().build().spec.host
    watts = host.idle_watts / host.cores + (host.peak_watts - host.idle_watts) / host.cores / 2
    return float(watts * Decimal(seconds) * Decimal("1.5"))


class World:
    """Two names, each with one life at a time; `truth` is how long pods of each life held a node."""

    def __init__(self, kind: str = "Job") -> None:
        self.kind = kind
        self.loop = WorkloadLoop()
        self.lives: dict[str, Body] = {}
        self.pod_owners: dict[str, Body] = {}
        self.running: dict[str, tuple[Body, str, Any]] = {}
        self.truth: Counter[str] = Counter()
        self.vanished: Counter[str] = Counter()
        self.made = 0
        self.cut_off = False

    async def act(self, action: str, name: str) -> None:
        workload = self.lives.get(name)
        if action == "round":
            await self.round()
        elif action == "restart":
            self.cut_off = True
            self.loop.restart()
        elif action.startswith("kill"):
            self.cut_off = True
            setattr(self.loop.cluster, "crash_before" if "before" in action else "crash_after", 0)
            await self.round()
        elif action == "make" and workload is None:
            self.lives[name] = owner = self.loop.workload(self.kind, name)
            for kind in BETWEEN[self.kind]:
                owner = self.loop.workload(kind, name, owner, labelled=False)
            self.pod_owners[name] = owner
        elif workload is not None:
            self.change(action, name, workload)

    def change(self, action: str, name: str, workload: Body) -> None:
        over = bool(workload.get("status", {}).get("conditions"))
        if action == "pod" and not over:
            self.made += 1
            pod = self.loop.pod(self.pod_owners[name], f"{name}-{self.made}")
            self.running[pod["metadata"]["name"]] = pod, workload["metadata"]["uid"], self.loop.clock.moment
        elif action in {"end pod", "fail pod", "remove pod"}:
            self.end_pods(workload, action, at_most=1)
        elif action == "end" and not over:
            self.end_pods(workload, "end pod")
            self.loop.end(workload)
        elif action == "delete":
            self.end_pods(workload, "remove pod")
            self.loop.remove(self.lives.pop(name))
        elif action in {"label", "unlabel"}:
            workload["metadata"]["labels"] = dict(LABELLED) if action == "label" else {}
            self.loop.cluster.touch(workload)

    def end_pods(self, workload: Body, action: str, at_most: int = 99) -> None:
        uid = workload["metadata"]["uid"]
        for key in [key for key, (_, owner, _) in self.running.items() if owner == uid][:at_most]:
            pod, _, began = self.running.pop(key)
            self.truth[uid] += (self.loop.clock.moment - began).total_seconds()
            if action == "remove pod":
                self.vanished[uid] += 1
                self.loop.remove(pod)
            else:
                self.loop.cluster.end_pod(pod, exit_code=int(action == "fail pod"))

    async def round(self) -> None:
        try:
            await self.loop.round()
        except CrashError:
            self.loop.restart()
        self.loop.cluster.crash_before = self.loop.cluster.crash_after = None

    async def end(self) -> None:
        for name in list(self.lives):
            self.change("end", name, self.lives[name])
        for _ in range(3):
            await self.round()


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(sorted(BETWEEN)),
    steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(NAMES)), min_size=5, max_size=60),
)
def test_each_life_is_counted_once_and_no_more_than_it_used(kind: str, steps: list[tuple[str, str]]) -> None:
    world = World(kind)

    async def live() -> None:
        before = Decimal(0)
        for action, name in [("make", "a"), ("make", "b"), *steps]:
            await world.act(action, name)
            assert world.loop.joules >= before, "totals never fall"
            before = world.loop.joules
        await world.end()

    asyncio.run(live())
    loop = world.loop
    reports = {report.spec.job_uid: report.spec for report in loop.reports()}
    assert len(reports) == len(loop.reports())
    assert not [entry for entry in loop.entries if not entry.settled]
    counted = sum(loop.finished.values())
    assert len(reports) <= counted <= len(world.truth)
    reported = sum((spec.totals.energy_joules for spec in reports.values()), Decimal(0))
    assert loop.joules >= reported
    if counted == len(reports):
        assert loop.joules == reported
    for uid, spec in reports.items():
        most = joules(world.truth[uid] + LATE_SECONDS * world.vanished[uid])
        assert float(spec.totals.energy_joules) <= most + 0.01
        if not world.cut_off and spec.state in {"Succeeded", "Deleted"}:
            least = joules(world.truth[uid]) - joules(LATE_SECONDS) * world.vanished[uid]
            assert float(spec.totals.energy_joules) >= least - 0.01


class Family(World):
    """The same with a JobSet above both, which may get the label, lose it and get it again."""

    def __init__(self) -> None:
        super().__init__()
        self.above = self.loop.workload("JobSet", "above", labelled=False)

    async def act(self, action: str, name: str) -> None:
        if action.endswith("above"):
            self.above["metadata"]["labels"] = {} if action.startswith("un") else dict(LABELLED)
            self.loop.cluster.touch(self.above)
        elif action == "make" and name not in self.lives:
            self.lives[name] = self.pod_owners[name] = self.loop.workload("Job", name, self.above)
        else:
            await super().act(action, name)

    async def end(self) -> None:
        await super().end()
        self.loop.end(self.above)
        await self.loop.later()


@pytest.mark.thorough
@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from((*ACTIONS, "label above", "unlabel above")), st.sampled_from(NAMES)),
        min_size=5,
        max_size=60,
    )
)
def test_no_pod_is_counted_both_by_itself_and_above(steps: list[tuple[str, str]]) -> None:
    world = Family()

    async def live() -> None:
        for action, name in [("make", "a"), ("make", "b"), *steps]:
            await world.act(action, name)
        await world.end()

    asyncio.run(live())
    seconds = sum(world.truth.values()) + LATE_SECONDS * sum(world.vanished.values())
    assert float(world.loop.joules) <= joules(seconds) * 1.001 + 0.05, "the ledger is told four digits"
    assert not [entry for entry in world.loop.entries if not entry.settled]
    totals = [report.spec.totals for report in world.loop.reports()]
    reported = sum((found.energy_joules for found in totals if found), Decimal(0))  # none: all was left out
    assert world.loop.joules >= reported
