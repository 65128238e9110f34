"""Every object that any test of the chart renders, held to the schemas of three Kubernetes minors by kubeconform."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from conformity.kubeconform import KUBERNETES, Kubeconform
from devcluster.paths import REPOSITORY_ROOT

if TYPE_CHECKING:
    from conftest import Chart

Manifest = dict[str, Any]
ALL_OF_IT = (
    "metrics.rules.enabled=true",
    "metrics.dashboards.enabled=true",
    "crds.keep=false",
    "rbac.catalogueReadableByAll=false",
    "serviceAccount.annotations.note=x",
    "tolerations[0].operator=Exists",
    "topologySpreadConstraints[0].maxSkew=1",
    "topologySpreadConstraints[0].topologyKey=zone",
    "topologySpreadConstraints[0].whenUnsatisfiable=ScheduleAnyway",
    "priorityClassName=system-cluster-critical",
    "extraEnv[0].name=NO_PROXY",
    "extraEnv[0].value=x",
    "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring",
    "networkPolicy.extraEgress[0].ports[0].port=9090",
)
"""Values that put an object or a list where the default has none."""


@pytest.mark.parametrize("minor", KUBERNETES)
def test_what_the_chart_makes_is_what_kubernetes_takes(chart: Chart, conformity: Kubeconform, minor: str) -> None:
    made = chart.render(*chart.EVERYTHING, *ALL_OF_IT)
    assert {"ServiceMonitor", "PrometheusRule", "ClusterBaseModel", "ValidatingAdmissionPolicy"} <= kinds(made)
    assert conformity.complaints(made, minor) == []


@pytest.mark.parametrize("minor", KUBERNETES)
def test_the_examples_and_definitions_are_what_kubernetes_takes(conformity: Kubeconform, minor: str) -> None:
    paths = [*(REPOSITORY_ROOT / "examples").rglob("*.yaml"), *(REPOSITORY_ROOT / "crds").glob("*.yaml")]
    written = [each for path in paths for each in yaml.safe_load_all(path.read_text()) if each and "kind" in each]
    assert {"TrainingJob", "CustomResourceDefinition"} <= kinds(written)
    assert conformity.complaints(written, minor) == []


def test_the_minors_are_three_that_the_chart_supports() -> None:
    least = yaml.safe_load((REPOSITORY_ROOT / "charts/coppice/Chart.yaml").read_text())["kubeVersion"]
    number = re.match(r">=1\.(\d+)\.", least)
    assert number
    assert [int(minor.split(".")[1]) >= int(number[1]) for minor in KUBERNETES] == [True] * 3


@pytest.mark.parametrize(
    ("kind", "path", "value", "said"),
    [
        ("Deployment", "spec.replica", 2, "replica"),
        ("Deployment", "spec.replicas", "two", "replicas"),
        ("Deployment", "spec.template.spec.containers.0.imagePolicy", "Always", "imagePolicy"),
        ("Deployment", "metadata.label", {}, "label"),
        ("Deployment", "spec.selector", None, "selector"),
        ("ClusterRole", "rules.0.verb", ["get"], "verb"),
        ("NetworkPolicy", "spec.egress.0.ports.0.protocol", 6, "protocol"),
        ("ComputeProfile", "spec.hots", {}, "hots"),
        ("ComputeProfile", "spec.host.cores", "many", "cores"),
        ("ClusterBaseModel", "spec.license", None, "license"),
        ("ServiceMonitor", "spec.endpoints.0.intervall", "30s", "intervall"),
        ("PrometheusRule", "spec.groups.0.rules.0.alerts", "X", "alerts"),
        ("ValidatingAdmissionPolicy", "spec.validations.0.expressions", "true", "expressions"),
        ("CustomResourceDefinition", "spec.versions.0.store", True, "store"),
        ("Deployment", "apiVersion", "extensions/v1beta1", "could not find schema"),
    ],
)
def test_a_broken_object_is_refused_with_its_name_and_its_fault(
    chart: Chart, conformity: Kubeconform, kind: str, path: str, value: object, said: str
) -> None:
    manifest = next(each for each in chart.render(*chart.EVERYTHING, *ALL_OF_IT) if each["kind"] == kind)
    [complaint] = conformity.complaints([broken(manifest, path, value)], "1.37")
    assert complaint.startswith(f"{kind} {manifest['metadata']['name']} in Kubernetes 1.37: ")
    assert said in complaint


def kinds(manifests: list[Manifest]) -> set[str]:
    return {each["kind"] for each in manifests}


def broken(manifest: Manifest, path: str, value: object) -> Manifest:
    """The object with the value at a path replaced; None removes it."""
    whole = deepcopy(manifest)
    *parents, last = path.split(".")
    target: Any = whole
    for parent in parents:
        target = target[int(parent) if isinstance(target, list) else parent]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return whole
