"""The chart rendered by a real Helm, and every rendering held to the schemas of three Kubernetes minors.

Helm and kubeconform are built from pinned modules. Each object is checked once, whichever test renders it first, so
that a variation of values that any test thinks of is checked too.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformity.kubeconform import Kubeconform, kubeconform
from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT
from devcluster.programs import build
from devcluster.progress import Progress

CHART = REPOSITORY_ROOT / "charts" / "coppice"

Manifest = dict[str, Any]

EVERYTHING = (
    "replicas=2",
    "networkPolicy.enabled=true",
    "metrics.serviceMonitor.enabled=true",
    "metrics.serviceMonitor.labels.release=prometheus",
    "accounting.zone=SE",
    "intensity.providers[0].type=NESO",
    "meters.prometheus.url=http://prometheus.monitoring:9090",
    "meters.prometheus.secretName=prometheus",
    "policy.sources.hosts={models.example.org}",
    "image.digest=sha256:" + "a" * 64,
    *(f"computeProfiles.{path.stem}.enabled=true" for path in sorted((CHART / "profiles").glob("*.yaml"))),
)
"""Settings that switch on every part of the chart."""


class Chart:
    """The chart under a Helm program; renderings are kept, as most tests look at the same two."""

    EVERYTHING = EVERYTHING

    def __init__(self, program: str, home: Path, conformity: Kubeconform | None) -> None:
        self._program = program
        self._conformity = conformity
        self._checked: set[str] = set()
        self._environment = {**os.environ, "HELM_CACHE_HOME": str(home), "HELM_CONFIG_HOME": str(home)}
        self._environment |= {"HELM_DATA_HOME": str(home)}
        self._rendered = cache(self._render)

    def render(self, *settings: str, served: bool = False, monitoring: bool = False) -> list[Manifest]:
        """Objects that the chart makes with these `--set` settings.

        `served`: the cluster knows our kinds already; `monitoring`: it knows the Prometheus operator's.
        """
        kinds = [f"coppice.dev/v1alpha1/{kind}" for kind in ("ComputeProfile", "ClusterBaseModel") if served]
        kinds += [f"monitoring.coreos.com/v1/{kind}" for kind in ("ServiceMonitor", "PrometheusRule") if monitoring]
        return self._rendered(settings, tuple(kinds))

    def one(self, kind: str, *settings: str, name: str = "") -> Manifest:
        """The only object of a kind (and name); the definitions, which are long, are left out."""
        made = self.render("crds.enabled=false", *settings)
        found = [each for each in made if each["kind"] == kind and name in {"", each["metadata"]["name"]}]
        assert len(found) == 1, f"{len(found)} objects of kind {kind} {name}"
        return found[0]

    def refusal(self, *settings: str) -> str:
        """What Helm says to settings that it refuses."""
        answer = self.run("template", "coppice", str(CHART), *_set(settings))
        assert answer.returncode != 0, "Helm accepted them"
        return answer.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Helm with these arguments."""
        command = (self._program, *arguments)
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)

    def _render(self, settings: tuple[str, ...], kinds: tuple[str, ...]) -> list[Manifest]:
        known = [f"--api-versions={kind}" for kind in kinds]
        answer = self.run("template", "coppice", str(CHART), "--namespace=coppice-system", *known, *_set(settings))
        assert answer.returncode == 0, answer.stderr
        made = [manifest for manifest in yaml.load_all(answer.stdout, yaml.CSafeLoader) if manifest]
        self._check(made)
        return made

    def _check(self, made: list[Manifest]) -> None:
        by_text = {json.dumps(manifest, sort_keys=True): manifest for manifest in made}
        new = [manifest for text, manifest in by_text.items() if text not in self._checked]
        if self._conformity is not None and new:
            for minor in self._conformity.minors:
                assert self._conformity.complaints(new, minor) == []
            self._checked |= by_text.keys()


def _set(settings: tuple[str, ...]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Kubeconform | DevClusterError:
    """kubeconform with its schemas, or why there is none."""
    try:
        return kubeconform(Progress(), tmp_path_factory.mktemp("schemas"))
    except DevClusterError as error:
        return error


@pytest.fixture
def conformity(schemas: Kubeconform | DevClusterError) -> Kubeconform:
    """kubeconform; skipped with a reason where it cannot be built or its schemas cannot be fetched."""
    if isinstance(schemas, DevClusterError):
        pytest.skip(str(schemas))
    return schemas


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory, schemas: Kubeconform | DevClusterError) -> Chart:
    """The chart, rendered by Helm; skipped with a reason where Helm can be neither found nor built."""
    try:
        tools = build(("helm",), Progress())
    except DevClusterError as error:
        pytest.skip(str(error))
    checks = None if isinstance(schemas, DevClusterError) else schemas
    return Chart(tools.program("helm"), tmp_path_factory.mktemp("helm"), checks)


@pytest.fixture(scope="session")
def everything(chart: Chart) -> list[Manifest]:
    """Every object that the chart can make."""
    return chart.render(*EVERYTHING)
