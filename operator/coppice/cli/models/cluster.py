"""Registered models in the cluster: all of them, one, and one with what was recorded."""

from typing import Any

from coppice.api.basemodel import BaseModelObject, ClusterBaseModel
from coppice.cli.cluster import cluster_of
from coppice.cli.errors import UsageError
from coppice.cli.namespaces import current_namespace
from coppice.ports import ClusterError

KINDS: dict[str, type[BaseModelObject]] = {"ClusterBaseModel": ClusterBaseModel, "BaseModel": BaseModelObject}
Body = dict[str, Any]


async def all_models(kubeconfig: str | None, namespace: str | None) -> list[Body]:
    """Every model that the user may list: the cluster's, and those of a namespace (None: of all)."""
    async with cluster_of(kubeconfig) as cluster:
        bodies, _ = await cluster.list("ClusterBaseModel")
        try:
            namespaced, _ = await cluster.list("BaseModel", namespace)
        except ClusterError:
            if namespace is not None:
                raise
            namespaced, _ = await cluster.list("BaseModel", current_namespace(kubeconfig))
        return [{**body, "kind": "ClusterBaseModel"} for body in bodies] + [
            {**body, "kind": "BaseModel"} for body in namespaced
        ]


async def find_model(kubeconfig: str | None, namespace: str | None, name: str) -> Body:
    """A model by name: in the namespace first, then in the cluster. Raises UsageError without one."""
    async with cluster_of(kubeconfig) as cluster:
        where = namespace or current_namespace(kubeconfig)
        for kind in ("BaseModel", "ClusterBaseModel"):
            body = await cluster.get(kind, where if kind == "BaseModel" else None, name)
            if body is not None:
                return {**body, "kind": kind}
        raise UsageError(f"there is no BaseModel {name} in {where} and no ClusterBaseModel of that name")


async def replace_model(kubeconfig: str | None, body: Body) -> None:
    """Write a model back, if nobody else wrote it meanwhile."""
    async with cluster_of(kubeconfig) as cluster:
        await cluster.replace(body)
