"""Accelerators that the node only claims to have: what the scheduler and the account see of a GPU, without one.

The profile's figures are made up so that no other job on the cluster would ever be decided to run on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devcluster.cluster import Cluster

RESOURCE = "nvidia.com/gpu"
PROFILE = "life-gpu"
PER_NODE = 4


def profile() -> dict[str, Any]:
    """A slow and hungry accelerator."""
    device = {"resourceName": RESOURCE, "product": "Test accelerator", "perNode": PER_NODE, "memory": "16Gi"}
    device |= {"idleWatts": "50", "peakWatts": "5000", "peakTeraFlops": {"fp32": "0.001"}}
    device["embodiedKilograms"] = {"low": "100", "mid": "150", "high": "300"}
    host = {"cores": 2, "memory": "8Gi", "idleWatts": "20", "peakWatts": "100"}
    host["embodiedKilograms"] = {"low": "500", "mid": "1000", "high": "2000"}
    spec = {"accelerator": device, "host": host, "lifespanYears": "4", "sources": ["Invented for a test"]}
    spec["nodeSelector"] = {"kubernetes.io/os": "linux"}
    metadata = {"name": PROFILE}
    return {"apiVersion": "coppice.dev/v1alpha1", "kind": "ComputeProfile", "metadata": metadata, "spec": spec}


@contextmanager
def advertised(cluster: Cluster) -> Iterator[None]:
    """Every node says that it has them; its kubelet makes them allocatable, and takes them back in the end."""
    nodes = cluster.kubectl("get", "nodes", "-o", "name").split()
    try:
        for node in nodes:
            _patch(cluster, node, {"op": "add", "value": str(PER_NODE)})
        yield
    finally:
        for node in nodes:
            _patch(cluster, node, {"op": "remove"})


def _patch(cluster: Cluster, node: str, change: dict[str, str]) -> None:
    path = f"/status/capacity/{RESOURCE.replace('/', '~1')}"
    patch = json.dumps([{**change, "path": path}])
    cluster.kubectl("patch", node, "--subresource=status", "--type=json", f"--patch={patch}")
