"""The chart on a real API server: every object is accepted, the account may do its work, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.controlplane import ControlPlane
from devcluster.paths import REPOSITORY_ROOT

CHART = str(REPOSITORY_ROOT / "charts" / "coppice")
EXAMPLES = sorted((REPOSITORY_ROOT / "examples").glob("*.yaml"))
NAMESPACE = "chart-system"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:coppice"


@pytest.fixture(scope="module")
def installed(control_plane: ControlPlane, kinds: None) -> Iterator[ControlPlane]:
    """The chart, whose definitions the session's own stand in for; no node runs its pod."""
    options = ("--set=crds.enabled=false", "--set=admissionPolicies.enabled=false", "--set=replicas=2")
    control_plane.helm("install", "coppice", CHART, f"--namespace={NAMESPACE}", "--create-namespace", *options)
    yield control_plane
    control_plane.helm("uninstall", "coppice", f"--namespace={NAMESPACE}")
    control_plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def may(cluster: ControlPlane, who: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether the API server lets somebody do something."""
    kind, _, part = resource.partition("/")
    options = (f"--subresource={part}", f"--as={who}", f"--namespace={namespace}")
    answer = cluster.kubectl("auth", "can-i", verb, kind, *options, check=False)
    return answer.strip().splitlines()[-1] == "yes"


def test_every_model_of_the_catalogue_is_accepted(installed: ControlPlane) -> None:
    made = installed.kubectl(
        "get", "clusterbasemodels", "-l", "app.kubernetes.io/part-of=coppice", "-o", "name"
    ).split()
    assert len(made) == len(list(Path(CHART, "catalogue").glob("*.yaml")))


@pytest.mark.parametrize(
    ("verb", "resource", "namespace", "allowed"),
    [
        ("create", "jobs.batch", "default", True),
        ("patch", "trainingjobs.coppice.dev/status", "default", True),
        ("update", "trainingledgers.coppice.dev", NAMESPACE, True),
        ("update", "trainingledgers.coppice.dev", "default", False),
        ("update", "leases.coordination.k8s.io", "kube-system", False),
        ("get", "secrets", NAMESPACE, False),
        ("create", "pods", "default", False),
        ("update", "trainingpolicies.coppice.dev", "default", False),
    ],
)
def test_the_operators_account_may_do_its_work_and_no_more(
    installed: ControlPlane, verb: str, resource: str, namespace: str, allowed: bool
) -> None:
    assert may(installed, OPERATOR, verb, resource, namespace) is allowed


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_accepted_as_it_stands(installed: ControlPlane, namespace: str, path: Path) -> None:
    text = path.read_text().replace("namespace: research", f"namespace: {namespace}")
    installed.kubectl("create", "--dry-run=server", "-f", "-", stdin=text)
