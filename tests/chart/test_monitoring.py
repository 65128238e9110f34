"""What the chart gives Prometheus and Grafana, held to what promtool says of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT
from devcluster.programs import build
from devcluster.progress import Progress

if TYPE_CHECKING:
    from conftest import Chart

RULES = REPOSITORY_ROOT / "charts" / "coppice" / "rules" / "coppice.yaml"
SCENARIOS = Path(__file__).with_name("rules-scenarios.yaml")
ON = ("metrics.rules.enabled=true", "metrics.dashboards.enabled=true")


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """promtool with these arguments; skipped where it can be neither found nor built."""
    try:
        program = build(("promtool",), Progress()).program("promtool")
    except DevClusterError as error:
        pytest.skip(str(error))
    return subprocess.run((program, *arguments), capture_output=True, text=True, check=False, cwd=SCENARIOS.parent)


def test_nothing_for_prometheus_or_grafana_is_made_unless_asked_for(chart: Chart) -> None:
    made = chart.render()
    assert not [each for each in made if each["apiVersion"].startswith("monitoring.coreos.com")]
    assert not [each for each in made if each["metadata"]["name"].endswith("-dashboard")]


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
