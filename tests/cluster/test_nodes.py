"""Zones from the labels of nodes in a real API server, read with the chart's own rights; and a life without them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from cluster.api import Body
from cluster.operator_process import RELEASE
from cluster.stage import Stage, probe_job
from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.decision import decode_record
from coppice.api.labels import DECISION_ANNOTATION
from coppice.cli.cluster import cluster_of
from coppice.cli.world import Installation, from_cluster
from devcluster.controlplane import ControlPlane

PARIS, STOCKHOLM = "europe-west9", "gcp/europe-north2"
LABEL = "topology.kubernetes.io/region"


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(control_plane, tmp_path_factory.mktemp("nodes"), "--zone=PL") as stage:
        stage.api.patch("Node", None, stage.node.name, {"metadata": {"labels": {LABEL: PARIS}}})
        for number in (1, 2):
            stage.add(node(f"{stage.home}-{number}", "europe-north2"))
        yield stage


def node(name: str, region: str) -> Body:
    """A node of Google Cloud on which nothing can run: it has no kubelet."""
    spec = {"providerID": f"gce://project/{region}-a/{name}", "unschedulable": True}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {LABEL: region}}, "spec": spec}


def shows(stage: Stage, zone: str) -> bool:
    """Whether the grid's intensity of a zone is exported."""
    lines = stage.operator.metrics().splitlines()
    return any(line.startswith("coppice_grid_intensity_grams") and f'zone="{zone}"' in line for line in lines)


def test_a_decision_takes_the_zone_of_most_nodes_and_the_account_that_of_the_pods_node(stage: Stage) -> None:
    stage.until(lambda: shows(stage, STOCKHOLM), lambda: "the zone of both nodes at /metrics with a resync")
    tenant = stage.tenant()
    life = stage.apply(probe_job("placed", tenant)).until_state("Running")
    [child] = life.children()
    decided = decode_record(child["metadata"]["annotations"][DECISION_ANNOTATION]).intensity
    assert decided.zone == STOCKHOLM
    assert decided.source.endswith("zone by the region label of 2 of 3 nodes")
    stage.node.script(tenant, "placed", "0.957")
    life.until_accounted()
    assert [pod["zone"] for pod in life.status["attempts"][0]["pods"]] == [PARIS]
    totals = life.status["totals"]
    assert totals["intensitySource"].startswith(f"{PARIS} LifeCycle Average")
    assert totals["intensitySource"].endswith("zone by the node's region label")
    france = StaticIntensity().tabled("FR").grams_per_kilowatt_hour
    assert float(totals["intensityGramsPerKilowattHour"]) == float(france)
    [report] = life.reports()
    assert report["spec"]["totals"] == totals


def test_a_plan_from_outside_sees_the_same_nodes(stage: Stage) -> None:
    given = Installation(zone="PL", zone_from_nodes=True)
    found = asyncio.run(from_cluster(str(stage.control_plane.kubeconfig), stage.home, given))
    assert found.missing == ()
    world = found.world(probe_job("planned", "default").build())
    assert world.intensity_of(world.profiles[0]).source.endswith("zone by the region label of 2 of 3 nodes")


def test_a_list_of_nodes_leaves_out_what_nobody_reads(stage: Stage) -> None:
    async def listed() -> list[Body]:
        async with cluster_of(str(stage.control_plane.kubeconfig)) as cluster:
            return (await cluster.list("Node"))[0]

    assert stage.api.get("Node", None, stage.node.name)["status"]["capacity"]
    found = {body["metadata"]["name"]: body for body in asyncio.run(listed())}
    assert found[stage.node.name].keys() == {"apiVersion", "kind", "metadata", "spec"}


def test_without_the_right_to_read_nodes_jobs_live_with_the_zone_that_was_set(stage: Stage) -> None:
    role = f"{RELEASE}-operator"
    rules = stage.api.get("ClusterRole", None, role)["rules"]
    fewer = [rule for rule in rules if "nodes" not in rule["resources"]]
    assert len(fewer) == len(rules) - 1
    stage.api.patch("ClusterRole", None, role, {"rules": fewer})
    stage.operator.terminate()
    stage.restart()
    assert shows(stage, "PL")
    assert "nodes may not be read" in stage.operator.output()
    tenant = stage.tenant()
    life = stage.apply(probe_job("unplaced", tenant)).until_state("Running")
    stage.node.script(tenant, "unplaced", "0.957")
    life.until_accounted()
    assert life.status["totals"]["intensitySource"].startswith("PL LifeCycle Average")
    assert "zone" not in life.status["attempts"][0]["pods"][0]
