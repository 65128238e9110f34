"""Objects that nobody expected: whoever writes one costs nobody else a minute of account."""

import pytest

from coppice.ports import ClusterError, Conflict, NotFound, Refused
from coppice.workloads.projection import seen_pod
from fake_cluster import Body
from workload_loop import LABELLED, NAMESPACE, WorkloadLoop

INDEX = "batch.kubernetes.io/job-completion-index"


async def run_to_its_end(loop: WorkloadLoop, workload: Body, pod: Body) -> None:
    await loop.rounds(2)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.rounds(2)


def settled(loop: WorkloadLoop) -> dict[str, bool]:
    return {entry.name: entry.settled for entry in loop.entries}


@pytest.mark.parametrize("index", ["²", "٣", "7" * 4301, "-1", "x", ""])
def test_a_number_that_anybody_may_write_is_read_or_is_none(index: str) -> None:
    assert seen_pod({"metadata": {"name": "a", "uid": "a", "annotations": {INDEX: index}}}).index == 0


async def test_a_pod_that_cannot_be_read_stops_neither_its_neighbours_nor_other_tenants(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = WorkloadLoop()
    nightly = loop.workload("Job", "nightly")
    good, odd = loop.pod(nightly), loop.pod(nightly, "nightly-odd")
    await loop.round()
    odd["spec"]["containers"] = "none"
    loop.cluster.touch(odd)
    loop.workload("Job", "later")
    await loop.rounds(2)
    assert "research/nightly-odd" in caplog.text
    other = loop.workload("Job", "other")
    await run_to_its_end(loop, other, loop.pod(other))
    assert settled(loop) == {"nightly": False, "other": True}
    loop.cluster.end_pod(good)
    loop.end(nightly)
    await loop.later(901)
    assert settled(loop)["nightly"]
    account = next(report.spec for report in loop.reports() if report.spec.job == "nightly")
    assert account.totals is not None
    assert account.totals.energy_joules > 0


async def test_a_workload_that_cannot_be_read_is_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    loop = WorkloadLoop()
    odd = loop.workload("Job", "odd")
    odd["status"] = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": "yesterday"}]}
    nightly = loop.workload("Job", "nightly")
    await run_to_its_end(loop, nightly, loop.pod(nightly))
    assert settled(loop) == {"nightly": True}
    assert "research/odd" in caplog.text


async def test_a_workload_that_can_be_read_no_more_goes_on_as_it_was_read_last() -> None:
    loop = WorkloadLoop()
    nightly = loop.workload("Job", "nightly")
    loop.pod(nightly)
    await loop.rounds(2)
    nightly["status"] = {"conditions": "none"}
    loop.cluster.touch(nightly)
    await loop.rounds(2)
    assert settled(loop) == {"nightly": False}
    nightly["status"] = {}
    await run_to_its_end(loop, nightly, loop.cluster.objects["Pod", NAMESPACE, "nightly-a"])
    assert settled(loop) == {"nightly": True}


async def test_a_report_that_somebody_made_unreadable_does_not_keep_the_account_open() -> None:
    loop = WorkloadLoop()
    nightly = loop.workload("Job", "nightly")
    pod = loop.pod(nightly)
    await loop.rounds(2)
    entries = dict(loop.ledger.specs)
    await run_to_its_end(loop, nightly, pod)
    [place] = [place for place in loop.cluster.objects if place[0] == "TrainingReport"]
    loop.cluster.objects[place]["spec"] = {"job": 3}
    loop.ledger.specs = entries
    loop.restart()
    await loop.accountant.round()
    assert settled(loop) == {"nightly": True}


@pytest.mark.parametrize("error", [Refused("an admission webhook says no"), Conflict("again and again")])
async def test_a_namespace_whose_ledger_takes_nothing_costs_nobody_else_an_account(error: ClusterError) -> None:
    loop = WorkloadLoop()
    gone = [loop.workload("Job", name) for name in ("above", "gone")]
    for workload in gone:
        loop.pod(workload)
    await loop.rounds(2)
    loop.restart()
    loop.remove(gone[1])
    gone[0]["metadata"]["ownerReferences"] = [{"kind": "TrainingJob", "name": "a", "uid": "a", "controller": True}]

    async def refuse(*_: object) -> None:
        raise error

    loop.ledger.withdraw = refuse  # type: ignore[method-assign]
    settle, loop.accountant._closing.settle_unseen = loop.accountant._closing.settle_unseen, refuse  # type: ignore
    other = loop.workload("Job", "other")
    await run_to_its_end(loop, other, loop.pod(other))
    assert settled(loop) == {"above": False, "gone": False, "other": True}
    loop.accountant._closing.settle_unseen = settle  # type: ignore[method-assign]
    await loop.round()
    assert settled(loop) == {"above": False, "other": True}


async def test_a_version_that_is_served_no_more_deletes_no_workload() -> None:
    loop = WorkloadLoop()
    sweep = loop.workload("JobSet", "sweep")
    loop.pod(loop.workload("Job", "sweep", sweep, labelled=False))
    await loop.rounds(2)
    loop.cluster.unserved["JobSet"], loop.cluster.other_versions = NotFound("no such version"), {"JobSet"}
    for again in (False, True):
        if again:
            loop.restart()
        await loop.later()
        await loop.later()
        assert settled(loop) == {"sweep": False}
    loop.cluster.unserved.clear()
    await loop.later()
    assert (settled(loop), loop.reports()) == ({"sweep": False}, [])


async def test_a_definition_that_is_deleted_took_its_objects_along_and_is_believed_the_second_time() -> None:
    loop = WorkloadLoop()
    sweep = loop.workload("JobSet", "sweep")
    loop.pod(loop.workload("Job", "sweep", sweep, labelled=False))
    await loop.rounds(2)
    loop.cluster.unserved["JobSet"] = NotFound("no such kind")
    await loop.rounds(3)
    assert settled(loop) == {"sweep": False}
    loop.remove(sweep)
    await loop.later()
    await loop.rounds(2)
    assert loop.finished == {"Deleted": 1}


async def test_what_another_namespace_settled_takes_no_pod_from_an_account_here() -> None:
    loop = WorkloadLoop()
    theirs = loop.cluster.add(
        {"apiVersion": "batch/v1", "kind": "Job", "spec": {},
         "metadata": {"name": "theirs", "namespace": "elsewhere", "labels": dict(LABELLED)}}
    )  # fmt: skip
    pod = loop.pod(theirs)
    loop.cluster.objects["Pod", "elsewhere", "theirs-a"] = loop.cluster.objects.pop(("Pod", NAMESPACE, "theirs-a"))
    pod["metadata"]["namespace"] = "elsewhere"
    await run_to_its_end(loop, theirs, pod)
    assert loop.ledger.pages("elsewhere")[0].entries[0].settled
    nightly = loop.workload("Job", "nightly")
    ours = loop.pod(nightly)
    ours["metadata"]["labels"]["jobset.sigs.k8s.io/jobset-uid"] = theirs["metadata"]["uid"]
    await run_to_its_end(loop, nightly, ours)
    report = next(report for report in loop.reports() if report.spec.job == "nightly")
    assert report.spec.totals is not None
    assert report.spec.totals.energy_joules > 0
