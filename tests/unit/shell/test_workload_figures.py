"""What /metrics, reports and exports show of workloads that nobody decided about."""

import json
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from builders import make_job
from coppice.accounting.export.cyclonedx import bill
from coppice.accounting.export.impactframework import manifest
from coppice.accounting.export.modelcard import emissions
from coppice.accounting.metered import Metered, PodMeter, Slice
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.ledger import ApiLedger
from coppice.api.vocabulary import Component, Grade
from coppice.app.exposition import Exposition
from coppice.app.metered_pods import workload_pods
from coppice.cli.main import app
from workload_loop import FakeMeters, WorkloadLoop

Samples = dict[tuple[str, str], float]


def shown(loop: WorkloadLoop) -> Samples:
    """Every per-job sample by metric and the job's label; a series that stands twice fails."""
    ledger = ApiLedger(loop.cluster, "coppice-system")
    exposition = Exposition(loop.index, ledger, StaticIntensity(), loop.clock, lambda: frozenset({"DE"}))
    exposition.show_workloads(loop.accountant.open.shown)
    exposition.leads = True
    found: Samples = {}
    seen = set()
    for family in text_string_to_metric_families(exposition.render().decode()):
        for sample in family.samples:
            series = (sample.name, tuple(sorted(sample.labels.items())))
            assert series not in seen
            seen.add(series)
            if "trainingjob" in sample.labels:
                key = sample.name.removeprefix("coppice_trainingjob_"), sample.labels["trainingjob"]
                found[key] = found.get(key, 0) + sample.value
    return found


async def finished(loop: WorkloadLoop) -> WorkloadLoop:
    workload = loop.workload("Job", "nightly")
    pod = loop.pod(workload)
    await loop.rounds(4)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.rounds(2)
    return loop


async def test_an_open_account_is_shown_as_it_grows_and_a_closed_one_for_a_while() -> None:
    loop = WorkloadLoop()
    job = make_job("nightly").body()
    job["metadata"]["resourceVersion"] = "1"
    loop.index.put("TrainingJob", job)  # of the same name, and another series
    workload = loop.workload("Job", "nightly")
    pod = loop.pod(workload)
    await loop.rounds(2)
    early = shown(loop)
    await loop.rounds(2)
    late = shown(loop)
    assert 0 < early["energy_joules", "job/nightly"] < late["energy_joules", "job/nightly"]
    assert (late["accounted", "job/nightly"], late["coverage_ratio", "job/nightly"]) == (0, 0)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.rounds(2)
    closed = shown(loop)
    assert closed["energy_joules", "job/nightly"] == pytest.approx(float(loop.joules))
    assert closed["accounted", "job/nightly"] == 1
    assert not [name for name, job in closed if job == "job/nightly" and ("avoided" in name or "sci" in name)]
    loop.restart()
    await loop.rounds(1)
    assert shown(loop)["energy_joules", "job/nightly"] == closed["energy_joules", "job/nightly"]
    loop.clock.advance(6 * 3600)
    assert ("energy_joules", "job/nightly") not in shown(loop)


async def test_of_two_lives_of_a_name_metrics_show_the_one_that_is_open_else_the_newest() -> None:
    loop = await finished(WorkloadLoop())
    loop.cluster.remove("Job", "research", "nightly")
    workload = loop.workload("Job", "nightly")
    pod = loop.pod(workload)
    await loop.rounds(2)
    opened = shown(loop)
    assert opened["accounted", "job/nightly"] == 0
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.rounds(2)
    later = loop.reports()[-1].spec.totals.energy_joules
    assert shown(loop)["energy_joules", "job/nightly"] == pytest.approx(float(later))


async def test_meters_are_asked_for_priced_pods_and_the_account_waits_for_their_last_word() -> None:
    meters = FakeMeters({})
    loop = WorkloadLoop(meters=meters)
    await finished(loop)
    assert loop.reports() == [], "the last word is awaited"
    [asked] = workload_pods(loop.accountant.open.pods())
    assert asked.end is not None
    assert asked.end - asked.start == 60
    start = loop.clock.moment.replace(second=0)
    slices = (Slice(start=start, end=start, joules="123"),)
    said = Metered(component=Component.CPU, grade=Grade.MEASURED, source="Kepler", covered_seconds="60", slices=slices)
    meters.readings[asked.uid] = PodMeter((said,), complete=True)
    await loop.rounds(2)
    [report] = loop.reports()
    measured = [part.joules for part in report.spec.totals.parts if part.grade is Grade.MEASURED]
    assert measured == [123]
    assert report.spec.totals.coverage == 1


async def test_a_label_that_comes_back_before_the_account_is_closed_lets_it_go_on() -> None:
    loop = WorkloadLoop(meters=FakeMeters({}))
    workload = loop.workload("Job", "nightly")
    pod = loop.pod(workload)
    await loop.rounds(2)
    labels = dict(workload["metadata"]["labels"])
    loop.unlabel(workload)
    await loop.rounds(2)
    workload["metadata"]["labels"] = labels
    loop.cluster.touch(workload)
    await loop.rounds(2)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.later(901)
    [report] = loop.reports()
    assert (report.spec.state, report.spec.totals.run_seconds) == ("Succeeded", 90)


async def test_without_a_last_word_the_account_closes_after_fifteen_minutes() -> None:
    loop = await finished(WorkloadLoop(meters=FakeMeters({})))
    await loop.later(901)
    [report] = loop.reports()
    assert {part.grade for part in report.spec.totals.parts} <= {Grade.ESTIMATED}
    assert report.spec.gaps


async def test_reports_and_exports_claim_nothing_that_nobody_knows(tmp_path: Path) -> None:
    [report] = (await finished(WorkloadLoop())).reports()
    (tmp_path / "report.yaml").write_text(yaml.dump(report.wire(), Dumper=yaml.CSafeDumper))
    given = ["--reports", str(tmp_path)]
    [row] = json.loads(CliRunner().invoke(app, ["report", "job/nightly", *given, "-o", "json"]).stdout)
    assert float(row["energyJoules"]) == float(report.spec.totals.energy_joules)
    assert not {"method", "baseModel", "quality", "avoidedMidGrams", "gramsPerModel"} & set(row)
    assert CliRunner().invoke(app, ["recompute", "nightly", *given]).exit_code == 0
    card = emissions(report)["co2_eq_emissions"]
    assert "training_type" not in card
    assert card["hardware_used"] == "1 CPU cores of 1 pods (cpu-generic)"
    consumption = bill(report, loop_time(report), "1")["metadata"]["component"]["modelCard"]["considerations"]
    assert consumption["environmentalConsiderations"]["energyConsumptions"][0]["activity"] == "other"
    assert "sci" not in manifest(report)["tree"]["children"]["job"]["pipeline"]["compute"]


def loop_time(report):
    return report.spec.completion_time
