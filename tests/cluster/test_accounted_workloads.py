"""Workloads that nobody decided about, on the real API server with the chart's rights: accounted once, come what may.

JobSet, TrainJob and PyTorchJob are served by their projects' own definitions, and appear while the operator runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from builders import make_profile
from cluster.stage import Stage
from cluster.workloads import Workloads, expected_joules, reserved_seconds
from coppice.accounting.report import recompute
from coppice.accounting.totals import energy_parts
from coppice.api.trainingreport import TrainingReport
from devcluster.controlplane import ControlPlane
from devcluster.definitions import definitions

PUE = Decimal("1.56")
OTHERS = ("JobSet", "TrainJob", "PyTorchJob")


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(control_plane, tmp_path_factory.mktemp("workloads"), "--zone=DE") as stage:
        yield stage
        for file in definitions().values():
            control_plane.kubectl("delete", "-f", str(file), "--wait=false", "--ignore-not-found")


def ledger_joules(stage: Stage, tenant: str) -> Decimal:
    return sum((Decimal(row["joules"]) for row in stage.ledger(tenant)["totals"].get("energy", ())), Decimal(0))


def reported_joules(workloads: Workloads) -> Decimal:
    return sum((Decimal(spec["totals"]["energyJoules"]) for spec in workloads.reports().values()), Decimal(0))


def until_reported(stage: Stage, workloads: Workloads, *names: str) -> None:
    stage.until(lambda: set(names) <= set(workloads.reports()), lambda: f"{names} in {sorted(workloads.reports())}")


def until_open(stage: Stage, tenant: str, number: int) -> None:
    stage.until(
        lambda: len(stage.ledger(tenant)["entries"]) == number, lambda: f"{number} entries in {stage.ledger(tenant)}"
    )


def test_a_job_with_a_retry_is_accounted_exactly_although_the_operator_is_killed_in_the_middle(stage: Stage) -> None:
    tenant = stage.tenant()
    workloads = Workloads(stage, tenant)
    job = workloads.make("Job", "nightly", parallelism=2, completions=2, backoffLimit=3)
    workloads.make("Job", "unlabelled", labelled=False)
    first, second = workloads.bound("nightly", 2)
    until_open(stage, tenant, 1)
    shown = f'coppice_trainingjob_energy_joules{{component="host_idle",grade="Estimated",namespace="{tenant}"'
    stage.until(lambda: shown in stage.operator.metrics(), lambda: f"{shown} at /metrics")
    assert 'trainingjob="job/nightly"' in stage.operator.metrics()
    stage.operator.kill()
    workloads.end(first, exit_code=1)
    third = workloads.bound("nightly", 3)[-1]
    stage.restart()
    workloads.end(second)
    workloads.end(third)
    until_reported(stage, workloads, "Job/nightly")
    [spec] = workloads.reports().values()
    assert (spec["state"], spec["succeeded"]) == ("Succeeded", True)
    assert not {"decision", "request", "fingerprint"} & set(spec)
    seconds = sum(reserved_seconds(pod) for pod in workloads.pods("nightly"))
    by_hand = expected_joules(make_profile().build(), seconds, PUE)
    assert Decimal(spec["totals"]["energyJoules"]) == pytest.approx(by_hand, abs=Decimal("0.01"))
    stage.until(lambda: stage.settled(tenant) == {"Succeeded": 1}, lambda: f"it in {stage.ledger(tenant)}")
    assert ledger_joules(stage, tenant) == Decimal(spec["totals"]["energyJoules"])
    assert {entry["settled"] for entry in stage.ledger(tenant)["entries"]} == {True}
    assert set(stage.written(tenant)) == {"create/trainingreports", "create/events"}, "nothing is written to it"
    [body] = stage.api.list("TrainingReport", tenant)
    report = TrainingReport.model_validate(body)
    assert report.spec.totals is not None
    assert energy_parts(recompute(report)) == report.spec.totals.parts
    told = [event for event in stage.api.list("Event", tenant) if event["reason"] == "Accounted"]
    assert [event["regarding"]["uid"] for event in told] == [job["metadata"]["uid"]]
    workloads.delete(job)
    until_open(stage, tenant, 0)
    assert stage.settled(tenant) == {"Succeeded": 1}


def test_kinds_that_appear_later_are_noticed_and_the_outermost_owner_counts(
    stage: Stage, control_plane: ControlPlane
) -> None:
    for file in definitions().values():
        control_plane.kubectl("apply", "--server-side", "-f", str(file))
    control_plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    tenant = stage.tenant()
    workloads = Workloads(stage, tenant)
    sweep = workloads.make("JobSet", "sweep")
    workloads.make("Job", "sweep-node-0", sweep)
    train = workloads.make("TrainJob", "llama")
    jobs = workloads.make("JobSet", "llama", train, labelled=False)
    workloads.make("Job", "llama-node-0", jobs)
    bert = workloads.make("PyTorchJob", "bert")
    workloads.pod_of(bert, "bert-master-0")
    started = [*workloads.bound("sweep", 1), *workloads.bound("llama", 1), *workloads.bound("bert", 1)]
    until_open(stage, tenant, 3)
    assert sorted(entry["kind"] for entry in stage.ledger(tenant)["entries"]) == sorted(OTHERS)
    for pod in started:
        workloads.end(pod, exit_code=int(pod["metadata"]["name"].startswith("bert")))
    for each in (sweep, jobs, train):
        workloads.say(each)
    workloads.say(bert, well=False)
    until_reported(stage, workloads, "JobSet/sweep", "TrainJob/llama", "PyTorchJob/bert")
    stage.until(lambda: stage.settled(tenant).total() == 3, lambda: f"three jobs in {stage.ledger(tenant)}")
    assert set(workloads.reports()) == {"JobSet/sweep", "TrainJob/llama", "PyTorchJob/bert"}
    assert stage.settled(tenant) == {"Succeeded": 2, "Failed": 1}
    assert ledger_joules(stage, tenant) == reported_joules(workloads)
    seconds = sum(reserved_seconds(pod) for pod in workloads.pods())
    by_hand = expected_joules(make_profile().build(), seconds, PUE)
    assert ledger_joules(stage, tenant) == pytest.approx(by_hand, abs=Decimal("0.05"))
    counted = f'coppice_namespace_trainingjobs_finished_total{{method="",namespace="{tenant}",reason="Succeeded"}} 2.0'
    stage.until(lambda: counted in stage.operator.metrics(), lambda: f"{counted} at /metrics")
    assert float(stage.ledger(tenant)["totals"]["spentInVainGrams"]) > 0


def test_what_is_deleted_or_loses_its_label_is_settled_once_from_what_was_seen(stage: Stage) -> None:
    tenant = stage.tenant()
    workloads = Workloads(stage, tenant)
    deleted, left, unseen = (workloads.make("Job", name) for name in ("deleted", "left", "unseen"))
    for name in ("deleted", "left", "unseen"):
        workloads.bound(name, 1)
    until_open(stage, tenant, 3)
    workloads.label(left, None)
    workloads.delete(deleted)
    until_reported(stage, workloads, "Job/deleted", "Job/left")
    stage.operator.kill()
    workloads.delete(unseen)
    stage.restart()
    stage.until(lambda: stage.settled(tenant).total() == 3, lambda: f"three jobs in {stage.ledger(tenant)}")
    assert stage.settled(tenant) == {"Deleted": 2, "LabelRemoved": 1}
    assert {name: spec["state"] for name, spec in workloads.reports().items()} == {
        "Job/deleted": "Deleted", "Job/left": "LabelRemoved",
    }  # fmt: skip
    until_open(stage, tenant, 1)
    workloads.label(left, "true")
    [pod] = workloads.pods("left")
    workloads.end(pod)
    stage.until(lambda: not stage.api.list("Job", tenant)[0]["status"].get("active"), lambda: "the job's end")
    until_open(stage, tenant, 1)
    assert stage.settled(tenant).total() == 3, "one life is one account"
    assert ledger_joules(stage, tenant) >= reported_joules(workloads) > 0
