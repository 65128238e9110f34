"""Metrics: what a scrape shows of jobs, ledgers and the grid, named as Prometheus' own linter wants."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from builders import make_job, make_profile
from coppice.accounting.account import attempt_account
from coppice.adapters.exporter import RETIRE_AFTER, Exporter, Snapshot
from coppice.adapters.job_figures import JobFigures, figures_of
from coppice.adapters.process_metrics import ProcessMetrics, registry_with
from coppice.api.trainingledger import TrainingLedgerSpec
from uses import NOON, at, make_intensity, make_pod

STATUS: dict[str, Any] = {
    "conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Running"}],
    "decision": {"method": "LoRA", "reason": "FineTuneSavesCarbon"},
    "attempts": [{"method": "LinearProbe", "profile": "cpu-generic", "baseModel": {"name": "all-minilm-l6-v2"}}],
}
TOTALS: dict[str, Any] = {
    "parts": [
        {"component": "cpu", "grade": "Modelled", "joules": "4100"},
        {"component": "host_idle", "grade": "Estimated", "joules": "1130"},
    ],
    "operationalGrams": "0.61",
    "embodiedGrams": "0.22",
    "avoided": {"low": "-1", "mid": "2", "high": "3", "basis": "Declared", "equalQuality": "Unknown"},
    "sci": {"gramsPerModel": "0.83", "gramsPerMillionTokens": "12"},
}
LEDGER = TrainingLedgerSpec.model_validate(
    {
        "namespace": "research",
        "totals": {
            "energy": [{"component": "cpu", "grade": "Modelled", "joules": "100"}],
            "operationalGrams": "5",
            "avoided": [{"basis": "Measured", "grams": "7"}],
            "finished": [{"method": "LoRA", "reason": "ObjectiveMet", "jobs": 2}],
        },
    }
)
JOB = {"namespace": "research", "trainingjob": "newswire-topics"}


def make_figures(**status: Any) -> JobFigures:
    return figures_of(make_job().set("status", {**STATUS, **status}).body())


def scrape(*jobs: JobFigures, leader: bool = True, **fields: Any) -> dict[str, Metric]:
    """Families by name, read back from the exposition."""
    registry = CollectorRegistry()
    registry.register(Exporter(lambda: Snapshot(now=NOON, leader=leader, jobs=jobs, **fields)))
    return {family.name: family for family in text_string_to_metric_families(generate_latest(registry).decode())}


def values(family: Metric, *labels: str) -> dict[Any, float]:
    """Values by the named labels."""
    return {tuple(sample.labels[label] for label in labels): sample.value for sample in family.samples}


def test_a_finished_job_shows_energy_carbon_savings_and_scores() -> None:
    found = scrape(make_figures(totals=TOTALS, completionTime=NOON.isoformat()))
    energy = values(found["coppice_trainingjob_energy_joules"], "component", "grade")
    assert energy == {("cpu", "Modelled"): 4100, ("host_idle", "Estimated"): 1130}
    assert values(found["coppice_trainingjob_operational_carbon_grams"], *JOB) == {tuple(JOB.values()): 0.61}
    assert values(found["coppice_trainingjob_embodied_carbon_grams"], *JOB) == {tuple(JOB.values()): 0.22}
    avoided = values(found["coppice_trainingjob_avoided_carbon_grams"], "bound", "basis")
    assert avoided == {("low", "Declared"): -1, ("mid", "Declared"): 2, ("high", "Declared"): 3}
    assert values(found["coppice_trainingjob_sci_grams_per_model"]) == {(): 0.83}
    assert values(found["coppice_trainingjob_sci_grams_per_million_tokens"]) == {(): 12}
    assert found["coppice_trainingjob_sci_grams_per_exaflop"].samples == []


def test_a_running_job_shows_its_live_account_and_its_conditions() -> None:
    account = attempt_account([make_pod()], make_profile().build(), make_intensity(), Decimal(1))
    job = make_figures()
    found = scrape(job, accounts={job.uid: account})
    energy = values(found["coppice_trainingjob_energy_joules"], "component", "grade")
    assert sum(energy.values()) == float(account.energy_joules)
    assert values(found["coppice_trainingjob_condition"], "condition", "status", "reason") == {
        ("Succeeded", "unknown", "Running"): 1
    }


def test_totals_in_status_are_final_and_no_live_account_replaces_them() -> None:
    account = attempt_account([make_pod()], make_profile().build(), make_intensity(), Decimal(1))
    job = make_figures(totals=TOTALS)
    found = scrape(job, accounts={job.uid: account})
    assert sum(values(found["coppice_trainingjob_energy_joules"], "component").values()) == 5230


def test_a_job_without_status_shows_that_it_exists_and_claims_no_energy() -> None:
    found = scrape(figures_of(make_job().body()))
    assert found["coppice_trainingjob_energy_joules"].samples == []
    assert found["coppice_trainingjob_operational_carbon_grams"].samples == []
    assert values(found["coppice_trainingjob_info"], "task", "method") == {("text-classification", ""): 1}


def test_the_info_metric_names_what_the_current_attempt_runs() -> None:
    labels = values(
        scrape(make_figures())["coppice_trainingjob_info"], "method", "base_model", "profile", "decision_reason"
    )
    assert list(labels) == [("LinearProbe", "all-minilm-l6-v2", "cpu-generic", "FineTuneSavesCarbon")]


@pytest.mark.parametrize(("age", "shown"), [(RETIRE_AFTER, 1), (RETIRE_AFTER + timedelta(seconds=1), 0)])
def test_a_finished_job_retires_after_a_while(age: timedelta, shown: int) -> None:
    found = scrape(make_figures(totals=TOTALS, completionTime=(NOON - age).isoformat()))
    assert len(found["coppice_trainingjob_info"].samples) == shown


@pytest.mark.parametrize(("status", "shown"), [("Unknown", 1), ("True", 0)])
def test_conditions_are_shown_until_the_account_is_closed(status: str, shown: int) -> None:
    condition = {"type": "Accounted", "status": status, "reason": "Settled"}
    found = scrape(make_figures(totals=TOTALS, completionTime=NOON.isoformat(), conditions=[condition]))
    assert len(found["coppice_trainingjob_condition"].samples) == shown
    assert values(found["coppice_trainingjob_accounted"]) == {(): 1 - shown}


def test_what_was_expected_stands_beside_what_came_out() -> None:
    rung = {"energyWattHours": {"low": "1", "mid": "2", "high": "4.5"}}
    found = scrape(
        make_figures(decision={"ladder": [rung, rung]}, totals={**TOTALS, "cost": "1.5", "coverage": "0.25"})
    )
    expected = values(found["coppice_trainingjob_estimated_energy_joules"], "bound")
    assert expected == {("low",): 3600, ("mid",): 7200, ("high",): 16200}
    assert values(found["coppice_trainingjob_coverage_ratio"]) == {(): 0.25}
    assert values(found["coppice_trainingjob_cost"]) == {(): 1.5}


def test_namespace_counters_come_from_the_ledger_summed_over_its_objects() -> None:
    found = scrape(ledgers=(LEDGER, LEDGER))
    energy = values(found["coppice_namespace_energy_joules"], "namespace", "component", "grade")
    assert energy["research", "cpu", "Modelled"] == 200
    assert values(found["coppice_namespace_operational_carbon_grams"], "namespace") == {("research",): 10}
    assert values(found["coppice_namespace_avoided_carbon_grams"], "basis") == {("Measured",): 14, ("Declared",): 0}
    assert values(found["coppice_namespace_trainingjobs_finished"], "method", "reason") == {("LoRA", "ObjectiveMet"): 4}


def test_counters_of_a_new_namespace_start_at_zero() -> None:
    found = scrape(ledgers=(TrainingLedgerSpec(namespace="new"),))
    assert set(values(found["coppice_namespace_energy_joules"], "component", "grade").values()) == {0}
    for name in ("operational_carbon_grams", "embodied_carbon_grams", "spent_in_vain_carbon_grams"):
        assert values(found[f"coppice_namespace_{name}"], "namespace") == {("new",): 0}


def test_the_intensity_carries_its_kind_and_source() -> None:
    found = scrape(intensities=(make_intensity("381"),))["coppice_grid_intensity_grams_per_kilowatt_hour"]
    assert values(found, "zone", "method", "signal", "source") == {("DE", "LifeCycle", "Average", "a test"): 381}


def test_a_replica_that_does_not_lead_exports_no_accounts() -> None:
    assert scrape(make_figures(totals=TOTALS), leader=False, ledgers=(LEDGER,)) == {}


def test_process_metrics_count_decisions_rejections_errors_and_the_age_of_the_last_event() -> None:
    moments = iter([at(0), at(5), at(12)])
    registry = registry_with()
    process = ProcessMetrics(registry, lambda: next(moments))
    process.decided("FineTuneSavesCarbon", {"LicenseDenied": 3})
    process.decided("FineTuneSavesCarbon", {})
    process.passed(0.02)
    process.failed(TimeoutError())
    process.event_seen()
    sample = registry.get_sample_value
    assert sample("coppice_last_event_age_seconds") == 7
    assert sample("coppice_decisions_total", {"reason": "FineTuneSavesCarbon"}) == 2
    assert sample("coppice_fit_rejections_total", {"reason": "LicenseDenied"}) == 3
    assert sample("coppice_errors_total", {"kind": "TimeoutError"}) == 1
    assert sample("coppice_reconcile_seconds_bucket", {"le": "0.01"}) == 0
    assert sample("coppice_reconcile_seconds_bucket", {"le": "0.025"}) == 1


def problems(family: Metric) -> list[str]:
    """What `promtool check metrics` (prometheus/client_golang, promlint) would say of a family."""
    found = []
    words = family.name.split("_")
    if not family.documentation:
        found.append("no help text")
    if (family.type == "counter") != any(
        sample.name.endswith("_total") for sample in family.samples
    ) and family.samples:
        found.append("counter metrics, and they alone, end in _total")
    if family.type not in {"histogram", "summary"} and re.search(r"_(bucket|count|sum)$", family.name):
        found.append("a suffix of histograms")
    if {"gauge", "counter", "histogram", "summary"} & set(words):
        found.append("the type in the name")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", family.name) or ":" in family.name:
        found.append("not snake case")
    if {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "m", "h", "d"} & set(words):
        found.append("an abbreviated unit")
    if {"hours", "minutes", "days", "kilograms", "kilojoules", "calories"} & set(words):
        found.append("no base unit")
    found += [
        f"label {label}" for sample in family.samples for label in sample.labels if not re.fullmatch(r"[a-z_]+", label)
    ]
    return found


def test_every_metric_passes_the_rules_of_promtool() -> None:
    registry = registry_with()
    process = ProcessMetrics(registry, lambda: NOON)
    process.decided("FineTuneSavesCarbon", {"LicenseDenied": 3})
    process.failed(TimeoutError())
    job = make_figures(totals=TOTALS)
    snapshot = Snapshot(now=NOON, leader=True, jobs=(job,), ledgers=(LEDGER,), intensities=(make_intensity(),))
    registry.register(Exporter(lambda: snapshot))
    families = list(text_string_to_metric_families(generate_latest(registry).decode()))
    ours = [family for family in families if family.name.startswith("coppice_")]
    assert len(ours) == 28
    assert {family.name: problems(family) for family in ours if problems(family)} == {}


def test_a_scrape_of_many_jobs_gives_each_its_own_series_once() -> None:
    jobs = [make_figures_named(f"job-{number}") for number in range(100)]
    text = generate_latest(_registry(jobs)).decode().splitlines()
    series = [line.rpartition(" ")[0] for line in text if not line.startswith("#")]
    assert len(series) == len(set(series)) == 100 * 11


def make_figures_named(name: str) -> JobFigures:
    return figures_of(make_job(name).set("status", {**STATUS, "totals": TOTALS}).set("status.conditions", []).body())


def _registry(jobs: list[JobFigures]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Exporter(lambda: Snapshot(now=NOON, leader=True, jobs=jobs)))
    return registry


def test_a_live_intensity_shows_its_age_and_a_yearly_one_has_none() -> None:
    yearly = make_intensity("381")
    live = yearly.model_copy(update={"source": "Maps", "as_of": NOON - timedelta(minutes=20)})
    found = scrape(intensities=(yearly, live))
    assert len(found["coppice_grid_intensity_grams_per_kilowatt_hour"].samples) == 2
    assert values(found["coppice_grid_intensity_age_seconds"], "source") == {("Maps",): 1200}
