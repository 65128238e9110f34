"""Workloads that own one another: the outermost with the label counts, and no pod is counted twice."""

from decimal import Decimal

import pytest

from workload_loop import NAMESPACE, WorkloadLoop, hand_computed_joules


async def test_the_outermost_labelled_owner_counts() -> None:
    loop = WorkloadLoop()
    train = loop.workload("TrainJob", "bert")
    jobs = loop.workload("JobSet", "bert", train, labelled=False)
    job = loop.workload("Job", "bert-node-0", jobs)
    pod = loop.pod(job)
    await loop.rounds(4)
    assert [entry.kind for entry in loop.entries] == ["TrainJob"]
    loop.cluster.end_pod(pod)
    for each in (job, jobs, train):
        loop.end(each)
    await loop.rounds(2)
    assert ([report.spec.workload.kind for report in loop.reports()], loop.finished) == (["TrainJob"], {"Succeeded": 1})


async def test_an_owner_that_gets_the_label_later_takes_over_what_is_open_and_leaves_what_is_settled() -> None:
    loop = WorkloadLoop()
    jobs = loop.workload("JobSet", "sweep", labelled=False)
    first, second = loop.workload("Job", "sweep-a-0", jobs), loop.workload("Job", "sweep-b-0", jobs)
    ended, running = loop.pod(first), loop.pod(second)
    await loop.rounds(4)
    loop.cluster.end_pod(ended)
    loop.end(first)
    await loop.rounds(2)
    jobs["metadata"]["labels"] = {"coppice.dev/account": "true"}
    loop.cluster.touch(jobs)
    loop.clock.advance(300)
    await loop.round()
    loop.cluster.end_pod(running)
    loop.end(second)
    loop.end(jobs)
    await loop.rounds(2)
    assert [(report.spec.workload.kind, report.spec.job) for report in loop.reports()] == [
        ("Job", "sweep-a-0"), ("JobSet", "sweep"),
    ]  # fmt: skip
    assert loop.finished == {"Succeeded": 2}
    assert all(entry.settled for entry in loop.entries), "what was opened for the second job is taken back"
    assert any("left out" in gap for gap in loop.reports()[1].spec.gaps)
    assert loop.joules == sum(report.spec.totals.energy_joules for report in loop.reports())
    seconds = sum(report.spec.totals.run_seconds for report in loop.reports())
    assert loop.joules == pytest.approx(hand_computed_joules(seconds), abs=Decimal("0.1")), "each pod once"


@pytest.mark.parametrize("restart", [False, True])
async def test_an_owner_that_gets_the_label_later_counts_also_what_vanished_before(restart: bool) -> None:
    loop = WorkloadLoop()
    jobs = loop.workload("JobSet", "sweep", labelled=False)
    job = loop.workload("Job", "sweep-a-0", jobs)
    vanishing = loop.pod(job, "sweep-a-0-0")
    await loop.rounds(4)
    loop.remove(vanishing)
    running = loop.pod(job, "sweep-a-0-1")
    await loop.rounds(2)
    if restart:
        loop.restart()
    jobs["metadata"]["labels"] = {"coppice.dev/account": "true"}
    loop.cluster.touch(jobs)
    await loop.rounds(2)
    loop.cluster.end_pod(running)
    loop.end(job)
    loop.end(jobs)
    await loop.rounds(2)
    [report] = loop.reports()
    assert report.spec.workload.kind == "JobSet"
    assert loop.joules == pytest.approx(hand_computed_joules(60 + 60), abs=Decimal("0.1"))


async def test_what_an_orphan_used_before_its_owner_s_account_was_closed_is_not_counted_again() -> None:
    loop = WorkloadLoop()
    jobs = loop.workload("JobSet", "sweep")
    job = loop.workload("Job", "sweep-a-0", jobs)
    pod = loop.pod(job)
    await loop.rounds(4)
    job["metadata"]["ownerReferences"] = []  # kubectl delete jobset sweep --cascade=orphan
    loop.remove(jobs)
    await loop.later(901)
    loop.cluster.end_pod(pod)
    loop.end(job)
    await loop.later()
    reports = {report.spec.workload.kind: report.spec for report in loop.reports()}
    assert reports["JobSet"].totals.energy_joules > 0
    assert reports["Job"].totals is None
    assert "left out" in reports["Job"].gaps[0]
    assert loop.joules == reports["JobSet"].totals.energy_joules


@pytest.mark.parametrize("labelled", ["JobSet", "Job"])
async def test_what_a_trainjob_leaves_running_is_not_counted_again(labelled: str) -> None:
    loop = WorkloadLoop()
    train = loop.workload("TrainJob", "bert")
    jobs = loop.workload("JobSet", "bert", train, labelled=labelled == "JobSet")
    job = loop.workload("Job", "bert-node-0", jobs, labelled=labelled == "Job")
    pod = loop.pod(job)
    await loop.rounds(4)
    jobs["metadata"]["ownerReferences"] = []  # kubectl delete trainjob bert --cascade=orphan
    loop.remove(train)
    await loop.later(901)
    loop.restart()
    await loop.rounds(2)
    loop.cluster.end_pod(pod)
    loop.end(job)
    loop.end(jobs)
    await loop.later()
    [counted] = [report for report in loop.reports() if report.spec.totals]
    assert counted.spec.workload.kind == "TrainJob"
    assert loop.joules == counted.spec.totals.energy_joules > 0
    assert not [entry for entry in loop.entries if not entry.settled]


async def test_a_child_of_a_trainingjob_is_the_trainingjob_s() -> None:
    loop = WorkloadLoop()
    owner = loop.workload("TrainingJob", "topics", labelled=False)
    loop.pod(loop.workload("Job", "topics-0a1b2-1", owner))
    await loop.rounds(2)
    assert loop.ledger.specs == {}


async def test_an_owner_of_another_api_group_covers_nothing() -> None:
    loop = WorkloadLoop()
    owner = loop.workload("TrainingJob", "topics")
    owner["apiVersion"] = "example.org/v1"
    loop.pod(loop.workload("Job", "nightly", owner))
    await loop.rounds(2)
    assert [entry.name for entry in loop.entries] == ["nightly"]


async def test_an_owner_in_another_namespace_is_only_claimed() -> None:
    loop = WorkloadLoop()
    theirs = loop.workload("JobSet", "sweep")
    theirs["metadata"]["namespace"] = "elsewhere"
    loop.cluster.objects["JobSet", "elsewhere", "sweep"] = loop.cluster.objects.pop(("JobSet", NAMESPACE, "sweep"))
    loop.pod(loop.workload("Job", "nightly", theirs))
    await loop.rounds(2)
    assert [entry.name for entry in loop.entries] == ["nightly"]
