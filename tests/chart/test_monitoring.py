"""What Prometheus and Grafana are given, by the chart and by the operator, held to what promtool says of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bench.scrape import body
from coppice.accounting.budget import Position
from coppice.adapters.budget_metrics import BudgetMetrics, NamespaceBudget
from coppice.adapters.exporter import Exporter, Snapshot
from coppice.adapters.job_figures import figures_of
from coppice.adapters.process_metrics import ProcessMetrics, registry_with
from coppice.adapters.process_state import ProcessState
from coppice.api.trainingledger import EnergyTotal, FinishedTotal, LedgerTotals, TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts
from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT
from devcluster.programs import build
from devcluster.progress import Progress
from uses import make_intensity

if TYPE_CHECKING:
    from conftest import Chart

RULES = REPOSITORY_ROOT / "charts" / "coppice" / "rules" / "coppice.yaml"
SCENARIOS = Path(__file__).with_name("rules-scenarios.yaml")
MONITORING = {"ServiceMonitor", "PrometheusRule"}
ON = ("metrics.rules.enabled=true", "metrics.dashboards.enabled=true")


def promtool(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """promtool with these arguments, reading `text`; skipped where it can be neither found nor built."""
    try:
        program = build(("promtool",), Progress()).program("promtool")
    except DevClusterError as error:
        pytest.skip(str(error))
    command = (program, *arguments)
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=SCENARIOS.parent)


@pytest.mark.parametrize(
    ("setting", "monitoring", "made"),
    [
        ("auto", False, set()),
        ("auto", True, MONITORING),
        ("true", False, MONITORING),
        ("true", True, MONITORING),
        ("false", False, set()),
        ("false", True, set()),
    ],
)
def test_monitor_and_rules_are_made_where_asked_for_or_where_the_cluster_serves_them(
    chart: Chart, setting: str, monitoring: bool, made: set[str]
) -> None:
    settings = [f"metrics.{part}.enabled={setting}" for part in ("serviceMonitor", "rules")]
    found = chart.render(*settings, monitoring=monitoring)
    assert {each["kind"] for each in found if each["apiVersion"].startswith("monitoring.coreos.com")} == made


def test_the_default_is_to_see_what_the_cluster_serves(chart: Chart) -> None:
    assert chart.render() != chart.render(monitoring=True)
    assert chart.render(monitoring=True) == chart.render(
        "metrics.serviceMonitor.enabled=auto", "metrics.rules.enabled=auto", monitoring=True
    )


def test_no_dashboard_is_made_unless_asked_for(chart: Chart) -> None:
    assert not [each for each in chart.render() if each["metadata"]["name"].endswith("-dashboard")]


def test_each_dashboard_is_a_configmap_that_the_sidecar_finds(chart: Chart) -> None:
    found = [each for each in chart.render(*ON) if each["metadata"]["name"].endswith("-dashboard")]
    assert [each["metadata"]["labels"]["grafana_dashboard"] for each in found] == ["1"] * 4
    titles = {json.loads(text)["title"] for each in found for text in each["data"].values()}
    assert titles == {"Coppice / Fleet", "Coppice / Job", "Coppice / Decisions", "Coppice / Operator"}


def test_alerts_lead_to_the_pages_where_the_values_say_they_are(chart: Chart) -> None:
    rule = chart.one("PrometheusRule", *ON, "metrics.rules.runbooks=https://wiki.example.org/coppice/")
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"] if "alert" in each]
    addresses = {each["annotations"]["runbook_url"] for each in alerts}
    assert addresses == {f"https://wiki.example.org/coppice/{each['alert']}.md" for each in alerts}


def test_promtool_accepts_the_rules() -> None:
    answer = promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_alerts_fire_when_they_should_and_only_then() -> None:
    answer = promtool("test", "rules", str(SCENARIOS))
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_alert_and_recording_stands_in_a_scenario() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    scenarios = yaml.safe_load(SCENARIOS.read_text())["tests"]
    told = {each["alertname"] for one in scenarios for each in one.get("alert_rule_test", ()) if each["exp_alerts"]}
    shown = {each["expr"] for one in scenarios for each in one.get("promql_expr_test", ()) if each["exp_samples"]}
    assert {rule["alert"] for rule in rules if "alert" in rule} == told
    assert {rule["record"] for rule in rules if "record" in rule} == shown


def test_promtool_has_nothing_against_any_metric_of_the_operator() -> None:
    families = exported()
    assert len(families) > 30
    answer = promtool("check", "metrics", text=exposition(families))
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


@pytest.mark.parametrize(
    ("family", "said"),
    [
        (CounterMetricFamily("coppice_energy_milliseconds", "Time.", value=1), 'use base unit "seconds"'),
        (GaugeMetricFamily("coppice_jobs_total", "Jobs.", value=1), 'should not have "_total" suffix'),
        (GaugeMetricFamily("coppice_jobs", "", value=1), "no help text"),
        (GaugeMetricFamily("coppiceJobs", "Jobs.", value=1), "snake_case"),
    ],
)
def test_promtool_refuses_a_metric_that_breaks_the_conventions(family: Metric, said: str) -> None:
    answer = promtool("check", "metrics", text=exposition([*exported(), family]))
    assert answer.returncode == 3
    assert said in answer.stdout + answer.stderr


def exported() -> list[Metric]:
    """Every family of /metrics, with jobs, ledgers, intensities and budgets; none is without a sample.

    promtool says nothing of a family without samples, so one that this snapshot leaves empty gets a 0.
    """
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    totals = LedgerTotals(
        energy=[EnergyTotal(component="cpu", grade="Modelled", joules="5")],
        finished=[FinishedTotal(method="LoRA", reason="ObjectiveMet", jobs=2)],
    )
    ledger = TrainingLedgerSpec(namespace="team", totals=totals)
    live = make_intensity().model_copy(update={"as_of": now})
    jobs = [figures_of(body(number, now, finished=number < 2)) for number in range(4)]
    snapshot = Snapshot(now=now, leader=True, jobs=jobs, ledgers=[ledger], intensities=(live,))
    budget = NamespaceBudget("team", Position(), Amounts(energy_watt_hours=100, carbon_grams=100, cost=100))
    registry = registry_with(Exporter(lambda: snapshot), BudgetMetrics(lambda: [budget]))
    process = ProcessMetrics(registry, lambda: now)
    process.failed(ValueError())
    process.passed(0.1)
    ProcessState(registry, lambda: True, lambda: 1, lambda: 2)
    return [_filled(family) for family in registry.collect()]


def _filled(family: Metric) -> Metric:
    if not family.samples:
        family.add_sample(family.name + ("_total" if family.type == "counter" else ""), {}, 0)
    return family


def exposition(families: Iterable[Metric]) -> str:
    """The families as a scrape gets them."""
    registry = CollectorRegistry()
    registry.register(Fixed(tuple(families)))
    return generate_latest(registry).decode()


class Fixed(Collector):
    """Families that were collected before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
