"""One real API server for the whole run: starting it takes seconds, and tests keep apart by namespace."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from cluster.stage import Stage
from devcluster.controlplane import ControlPlane
from devcluster.paths import REPOSITORY_ROOT

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"""


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane: `.kubeconfig`, `.url`, `.environment`, `.kubectl(*args)`, `.helm(*args)`.

    It notes every mutating request in audit.log beside its state directory.
    """
    place = tmp_path_factory.mktemp("session")
    policy = place / "audit-policy.yaml"
    policy.write_text(AUDIT_POLICY)
    audit = (f"--audit-policy-file={policy}", f"--audit-log-path={place / 'audit.log'}")
    with ControlPlane(place / "control-plane", api_server_arguments=audit) as cluster:
        yield cluster


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own, deleted (without waiting) afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def kinds(control_plane: ControlPlane) -> None:
    """The kinds of the product, served."""
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(REPOSITORY_ROOT / "crds"))
    control_plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for whole lives, with an operator that runs only while the module's tests do: it sees every job."""
    with Stage(control_plane, tmp_path_factory.mktemp("stage")) as stage:
        yield stage
