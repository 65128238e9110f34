"""One whole cluster for the end-to-end tests: the development cluster if it runs, else one brought up for them.

It is left running afterwards, as it was found or for the next run; `python -m devcluster down` removes it.
COPPICE_E2E_CLUSTER names another one, for work on these tests beside a cluster that is in use.
"""

from __future__ import annotations

import os

import pytest

from devcluster import lifecycle
from devcluster.cluster import DEFAULT_NAME, Cluster
from devcluster.progress import Progress


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A running cluster: `kubeconfig`, `kubectl(*args)`, `helm(*args)`, `prometheus_url`, `images`, `variables`."""
    return lifecycle.up(os.environ.get("COPPICE_E2E_CLUSTER", DEFAULT_NAME), "auto", Progress())
