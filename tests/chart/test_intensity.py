"""Live carbon intensity in the chart: what is rendered is what the operator reads, and secrets stay where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from coppice.adapters.intensity.settings import sources
from coppice.app.options import parse
from coppice.cli.world import installed

MAPS = ("intensity.providers[0].type=ElectricityMaps", "intensity.providers[0].secretName=maps")
WATTS = ("intensity.providers[1].type=WattTime", "intensity.providers[1].secretName=watttime")
GRID = (
    "intensity.providers[2].type=PromQL",
    "intensity.providers[2].secretName=maps",
    "intensity.providers[2].url=http://prometheus.monitoring:9090",
    'intensity.providers[2].expression=grid_grams{zone="$zone"\\}',
    "intensity.providers[2].method=LifeCycle",
    "intensity.providers[2].signal=Average",
    "intensity.providers[2].zones.basement=DE",
)


def rendered(chart: Any, *settings: str) -> Any:
    """What the operator reads."""
    config = chart.one("ConfigMap", *settings, name="coppice-settings")
    return sources(yaml.safe_load(config["data"]["intensity-sources.yaml"]))


def test_without_sources_nothing_is_asked_and_no_secret_is_mounted(chart: Any) -> None:
    assert rendered(chart).providers == ()
    pod = chart.one("Deployment")["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == ["settings", "tmp"]


def test_the_operator_reads_what_the_chart_renders(chart: Any) -> None:
    found = rendered(chart, *MAPS, *WATTS, *GRID, "intensity.staleAfterSeconds=600")
    assert [source.type for source in found.providers] == ["ElectricityMaps", "WattTime", "PromQL"]
    assert found.providers[1].credentials == Path("/etc/coppice-secrets/watttime")
    assert found.providers[2].expression == 'grid_grams{zone="$zone"}'
    assert found.providers[2].zones == {"basement": "DE"}
    assert found.stale_after_seconds == 600


def test_a_plan_from_outside_knows_which_sources_the_operator_asks(chart: Any) -> None:
    config = chart.one("ConfigMap", *MAPS, *WATTS, name="coppice-settings")
    assert installed(config["data"]).sources == ("ElectricityMaps", "WattTime")
    assert installed(chart.one("ConfigMap", name="coppice-settings")["data"]).sources == ()


def test_each_secret_is_mounted_once_where_the_settings_say(chart: Any) -> None:
    pod = chart.one("Deployment", *MAPS, *WATTS, *GRID)["spec"]["template"]["spec"]
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert secrets == {"secret-maps": "maps", "secret-watttime": "watttime"}
    assert all(mounts[name]["mountPath"] == f"/etc/coppice-secrets/{secret}" for name, secret in secrets.items())
    assert all(mounts[name]["readOnly"] for name in secrets)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (("intensity.providers[0].type=Guess",), "at '/intensity/providers/0/type'"),
        (("intensity.providers[0].type=NESO", "intensity.providers[0].token=x"), "'token' not allowed"),
        (("intensity.providers[0].type=NESO", "intensity.providers[0].url=http://me:pw@host"), "/providers/0/url'"),
        (("intensity.providers[0].type=NESO", "intensity.providers[0].url=file:///etc/passwd"), "/providers/0/url'"),
    ],
)
def test_a_wrong_source_is_refused_with_its_place(chart: Any, settings: tuple[str, ...], sentence: str) -> None:
    assert sentence in chart.refusal(*settings)


def test_a_prometheus_of_the_clusters_meters_is_passed_with_its_secret(chart: Any) -> None:
    url = "meters.prometheus.url=https://thanos.monitoring:9091"
    pod = chart.one("Deployment", url, "meters.prometheus.secretName=thanos")["spec"]["template"]["spec"]
    options = parse(pod["containers"][0]["args"], {})
    assert options.meters_prometheus == "https://thanos.monitoring:9091"
    assert options.meters_credentials == Path("/etc/coppice-secrets/thanos")
    assert {"name": "secret-thanos", "secret": {"secretName": "thanos", "optional": True}} in pod["volumes"]


def test_more_egress_stands_in_the_network_policy(chart: Any) -> None:
    rule = "networkPolicy.extraEgress[0].ports[0].port=9090"
    policy = chart.one("NetworkPolicy", "networkPolicy.enabled=true", rule)
    assert {"ports": [{"port": 9090}]} in policy["spec"]["egress"]
