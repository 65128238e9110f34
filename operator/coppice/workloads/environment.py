"""Environment of the containers: who the pod is, where caches go, and how many threads it has paid for."""

from typing import Any

from coppice.api.run import (
    NODE_NAME_VARIABLE,
    POD_NAME_VARIABLE,
    POD_NAMESPACE_VARIABLE,
    POD_UID_VARIABLE,
    WORK_MOUNT,
)

Variable = dict[str, Any]


def identity() -> list[Variable]:
    """The pod's own names, by the downward API."""
    fields = {
        POD_UID_VARIABLE: "metadata.uid",
        POD_NAME_VARIABLE: "metadata.name",
        POD_NAMESPACE_VARIABLE: "metadata.namespace",
        NODE_NAME_VARIABLE: "spec.nodeName",
    }
    return [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]


def caches() -> list[Variable]:
    """Libraries write below the work volume and ask no server: every file was fetched and verified before."""
    values = {
        "HOME": WORK_MOUNT,
        "HF_HOME": f"{WORK_MOUNT}/huggingface",
        "HF_HUB_OFFLINE": "1",
        "XDG_CACHE_HOME": f"{WORK_MOUNT}/cache",
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def threads(container: str) -> Variable:
    """OpenMP's threads: it counts the cores of the node, not those of the container, and would fight itself."""
    reference = {"containerName": container, "resource": "limits.cpu", "divisor": "1"}
    return {"name": "OMP_NUM_THREADS", "valueFrom": {"resourceFieldRef": reference}}
