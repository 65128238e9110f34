"""The demo's story holds on a real cluster: what was decided, what came out, what it cost, and what Prometheus says.

The demo is run once for all tests here, as `make demo` does. It takes a quarter of an hour on two cores, most of it the
control that trains from scratch. COPPICE_E2E_DEMO=reuse looks at the jobs that the last run left on the cluster
instead, for work on these tests themselves.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

import pytest

from coppice.api import conditions
from coppice.api.basemodel import BaseModelObject
from coppice.api.reasons import AttemptOutcome
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Basis, Component, Evidence, Grade, Method
from dashboards.board import Board
from dashboards.boards import BOARDS
from demo import prometheus
from demo.figures import Figures
from demo.inputs.prepare import prepare
from demo.installation import install
from demo.manifests import LADDER, NAMESPACE, Manifest, jobs, manifests
from demo.objects import Objects
from demo.stages import run, run_jobs
from devcluster.cluster import DEFAULT_NAME, Cluster
from devcluster.progress import Progress

FEWEST_MODELS = 8
FINE_TUNING = {Method.LINEAR_PROBE, Method.LORA, Method.FULL_FINE_TUNE}


@pytest.fixture(scope="module")
def demo(cluster: Cluster) -> dict[str, Figures]:
    """Every job of the demo by name, as it ended."""
    wanted = jobs()
    if not reusable(cluster, wanted):
        progress = Progress()
        run(install(DEFAULT_NAME, "auto", progress), wanted, progress)
    return {name: Objects(cluster).figures(name) for name in names_of(wanted)}


@pytest.fixture(scope="module")
def ladder(cluster: Cluster, demo: dict[str, Figures]) -> dict[str, Figures]:
    """A job that registers a second text model, then the demo's task with a target out of reach."""
    objects, wanted = Objects(cluster), jobs(directory=LADDER)
    assert demo
    if not reusable(cluster, wanted):
        objects.delete("trainingjobs", names_of(wanted))
        run_jobs(objects, wanted, Progress())
    return {name: objects.figures(name) for name in names_of(wanted)}


def names_of(manifests: Sequence[Manifest]) -> list[str]:
    return [manifest.job.metadata.name for manifest in manifests if manifest.job]


def reusable(cluster: Cluster, wanted: Sequence[Manifest]) -> bool:
    """Whether the last run's jobs are to be looked at and are all there."""
    there = {item["metadata"]["name"] for item in Objects(cluster).listed("trainingjobs")}
    return os.environ.get("COPPICE_E2E_DEMO") == "reuse" and set(names_of(wanted)) <= there


@pytest.fixture
def objects(cluster: Cluster) -> Objects:
    """The demo's namespace."""
    return Objects(cluster)


def reports(objects: Objects) -> dict[str, TrainingReport]:
    found = [TrainingReport.model_validate(item) for item in objects.listed("trainingreports")]
    return {report.spec.job: report for report in found}


def test_every_job_finishes_accounted_and_with_a_report(demo: dict[str, Figures], objects: Objects) -> None:
    for name in demo:
        status = objects.job(name).status
        assert status is not None
        assert conditions.is_true(status.conditions, conditions.FINISHED), name
        assert conditions.is_true(status.conditions, conditions.ACCOUNTED), name
        assert status.completion_time is not None
    assert set(reports(objects)) - set(names_of(jobs(directory=LADDER))) == set(demo)


def test_the_control_trains_from_scratch_as_asked_and_meets_its_target(demo: dict[str, Figures]) -> None:
    control = demo["newswire-topics-control"]
    assert control.first is not None
    assert control.first.reason == "SubstitutionOff"
    assert [attempt.method for attempt in control.attempts] == [Method.FROM_SCRATCH]
    assert control.met
    assert control.avoided is None


def test_the_main_job_starts_from_the_sentence_encoder_and_meets_its_target(demo: dict[str, Figures]) -> None:
    job = demo["newswire-topics"]
    assert job.first is not None
    assert job.first.reason == "FineTuneSavesCarbon"
    assert job.attempts[-1].method in FINE_TUNING
    assert job.attempts[-1].base_model == "all-minilm-l6-v2"
    assert job.attempts[-1].evidence is Evidence.EVALUATED
    assert job.quality is not None
    assert job.target is not None
    assert job.quality >= job.target


def test_models_that_were_not_used_are_counted_with_true_reasons(demo: dict[str, Figures], cluster: Cluster) -> None:
    decision = demo["newswire-topics"].first
    assert decision is not None
    registered = cluster.kubectl("get", "clusterbasemodels", "-o", "name").split()
    assert len(registered) >= FEWEST_MODELS
    assert decision.considered > len(registered)
    assert decision.rejected["DigestMissing"] >= 1
    assert decision.rejected["TaskMismatch"] >= 1


def test_the_saving_is_measured_against_the_control_that_ran(demo: dict[str, Figures], objects: Objects) -> None:
    job, control = demo["newswire-topics"], demo["newswire-topics-control"]
    assert job.avoided is not None
    assert job.avoided.basis is Basis.MEASURED
    assert job.avoided.equal_quality == "Yes"
    assert job.avoided.control == reports(objects)["newswire-topics-control"].metadata.name
    assert job.avoided.low > 0
    for one, other in (
        (job.cpu_seconds, control.cpu_seconds),
        (job.energy_watt_hours, control.energy_watt_hours),
        (job.carbon_grams, control.carbon_grams),
    ):
        assert one is not None
        assert other is not None
        assert 0 < one < other


def test_the_estimate_made_before_the_start_stands_beside_what_came_out(demo: dict[str, Figures]) -> None:
    for job in demo.values():
        for attempt in job.attempts:
            assert attempt.expected is not None, job.name
            assert 0 < attempt.expected.energy_watt_hours.low < attempt.expected.energy_watt_hours.high
            assert attempt.energy_watt_hours is not None
            assert attempt.energy_watt_hours > 0


def test_nothing_fits_the_low_digits_so_they_train_from_scratch_and_say_why(demo: dict[str, Figures]) -> None:
    job = demo["digits-low"]
    assert job.first is not None
    assert job.first.reason == "NoBaseModelFits"
    assert [attempt.method for attempt in job.attempts] == [Method.FROM_SCRATCH]
    assert job.met


def test_the_low_digits_model_is_registered_with_lineage_and_licence(
    demo: dict[str, Figures], objects: Objects
) -> None:
    assert demo["digits-low"].registered is not None
    body = next(item for item in objects.listed("basemodels") if item["metadata"]["name"] == "digits-low")
    model = BaseModelObject.model_validate(body)
    assert model.status is not None
    assert conditions.is_true(model.status.conditions, conditions.READY)
    assert model.spec.license == "CC-BY-4.0"
    assert model.spec.head_labels == ["0", "1", "2", "3", "4"]
    assert all(file.digest for file in model.spec.source.files)
    lineage = model.spec.lineage
    assert lineage is not None
    assert lineage.job == f"{NAMESPACE}/digits-low"
    assert lineage.energy_joules == reports(objects)["digits-low"].spec.totals.energy_joules  # type: ignore[union-attr]
    assert [evaluation.value for evaluation in model.spec.evaluations] == [demo["digits-low"].quality]


def test_the_high_digits_try_the_low_digits_model_first_and_scratch_only_after_a_miss(demo: dict[str, Figures]) -> None:
    """Of 225 test images a few decide, and so does the processor's arithmetic: AMD EPYC hit at 0.956, Intel Xeon missed
    at 0.938."""
    first, *later = demo["digits-high"].attempts
    assert first.method in FINE_TUNING
    assert first.base_model == "digits-low"
    assert first.outcome in {AttemptOutcome.MET, AttemptOutcome.MISSED}
    assert [one.method for one in later] == ([Method.FROM_SCRATCH] if first.outcome == AttemptOutcome.MISSED else [])


def test_a_target_out_of_reach_is_tried_with_two_models_and_then_from_scratch(ladder: dict[str, Figures]) -> None:
    job = ladder["newswire-topics-strict"]
    assert [(attempt.method, attempt.base_model) for attempt in job.attempts] == [
        (Method.LINEAR_PROBE, "newswire-tiny"),
        (Method.LINEAR_PROBE, "all-minilm-l6-v2"),
        (Method.FROM_SCRATCH, ""),
    ]
    assert {attempt.outcome for attempt in job.attempts} == {"Missed"}


def test_a_job_that_missed_names_its_best_attempt_and_counts_all_of_them(ladder: dict[str, Figures]) -> None:
    job = ladder["newswire-topics-strict"]
    assert not job.succeeded
    assert job.state == "ObjectiveMissed"
    assert job.met is False
    assert job.quality == max(attempt.quality for attempt in job.attempts if attempt.quality is not None)
    assert job.energy_watt_hours is not None
    spent = [float(attempt.energy_watt_hours or 0) for attempt in job.attempts]
    assert float(job.energy_watt_hours) == pytest.approx(sum(spent), rel=1e-3)
    assert job.avoided is not None
    assert job.avoided.high < 0


def test_an_account_is_modelled_from_counted_cpu_seconds_and_its_parts_add_up(objects: Objects) -> None:
    for name, report in reports(objects).items():
        totals = report.spec.totals
        assert totals is not None, name
        assert sum(part.joules for part in totals.parts) == pytest.approx(totals.energy_joules, rel=Decimal("1e-6"))
        grades = {part.grade for part in totals.parts if part.component is Component.CPU}
        assert Grade.MODELLED in grades, name


def test_prometheus_has_the_settled_energy_of_every_job(demo: dict[str, Figures], cluster: Cluster) -> None:
    if cluster.prometheus_url is None:
        pytest.skip("this provider starts no Prometheus")
    prometheus.wait_for_scrape(cluster.prometheus_url)
    question = f'sum by (trainingjob) (coppice_trainingjob_energy_joules{{namespace="{NAMESPACE}"}})'
    answers = {item.labels["trainingjob"]: item.value for item in prometheus.ask(cluster.prometheus_url, question)}
    for name, job in demo.items():
        assert job.energy_watt_hours is not None
        assert answers[name] == pytest.approx(float(job.energy_watt_hours) * 3600, rel=1e-3)


@pytest.mark.parametrize("question", prometheus.QUESTIONS, ids=lambda question: question.words)
def test_prometheus_answers_every_question_of_the_demo(
    demo: dict[str, Figures], cluster: Cluster, question: prometheus.Question
) -> None:
    if cluster.prometheus_url is None:
        pytest.skip("this provider starts no Prometheus")
    prometheus.wait_for_scrape(cluster.prometheus_url)
    assert prometheus.ask(cluster.prometheus_url, question.expression)


SILENT = {
    "Conditions": "they are shown until a job is accounted, and every job of the demo is",
    "Budget of this month": "the demo's policy sets none",
}
"""Panels that rightly show nothing when the demo is over, and why."""
CHOICES = {"$__rate_interval": "2m", "$__range": "1h", "$namespace": NAMESPACE, "$trainingjob": ".+"}
"""What Grafana would put in: the default of each choice, and a range that holds the demo."""


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_query_of_every_dashboard_has_an_answer(demo: dict[str, Figures], cluster: Cluster, board: Board) -> None:
    if cluster.prometheus_url is None:
        pytest.skip("this provider starts no Prometheus")
    prometheus.wait_for_scrape(cluster.prometheus_url)
    without = []
    for panel in board.panels:
        for query in panel.queries:
            expression = reduce(lambda text, choice: text.replace(*choice), CHOICES.items(), query.expression)
            if panel.title not in SILENT and not prometheus.ask(cluster.prometheus_url, expression):
                without.append((panel.title, expression))
    assert without == []


def test_manifests_declare_as_many_examples_as_there_are() -> None:
    loaded = {file.uri: file.examples for file in prepare().files}
    for manifest in (*jobs(), *jobs(directory=LADDER)):
        assert manifest.job is not None
        dataset = manifest.job.spec.dataset
        assert dataset.examples == loaded[dataset.uri], dataset.uri


def test_the_base_model_s_digests_are_those_of_the_files_that_are_loaded() -> None:
    loaded = {file.uri: f"sha256:{file.sha256}" for file in prepare().files}
    bodies = [item for manifest in manifests() for item in manifest.objects if item["kind"] == "BaseModel"]
    for body in bodies:
        source = BaseModelObject.model_validate(body).spec.source
        for file in source.files:
            assert file.digest == loaded[f"{source.uri}/{file.name}"], file.name
