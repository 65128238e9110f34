"""One real API server for the whole run: starting it takes seconds, and tests keep apart by namespace."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from devcluster.controlplane import ControlPlane
from devcluster.paths import REPOSITORY_ROOT


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane: `.kubeconfig`, `.url`, `.environment`, `.kubectl(*args)`, `.helm(*args)`."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as cluster:
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
