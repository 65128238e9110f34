"""Registered models in the cluster: all of them, one, and one with what was recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kubernetes.aio.config import ConfigException

from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.adapters.connection import connect
from coppice.api.basemodel import BaseModelObject, ClusterBaseModel
from coppice.cli.errors import UsageError
from coppice.cli.namespaces import current_namespace
from coppice.ports import ClusterError

KINDS: dict[str, type[BaseModelObject]] = {"ClusterBaseModel": ClusterBaseModel, "BaseModel": BaseModelObject}
Body = dict[str, Any]


async def all_models(kubeconfig: str | None, namespace: str | None) -> list[Body]:
    """Every model that the user may list: the cluster's, and those of a namespace (None: of all)."""
    async with _cluster(kubeconfig) as cluster:
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
    async with _cluster(kubeconfig) as cluster:
        where = namespace or current_namespace(kubeconfig)
        for kind in ("BaseModel", "ClusterBaseModel"):
            body = await cluster.get(kind, where if kind == "BaseModel" else None, name)
            if body is not None:
                return {**body, "kind": kind}
        raise UsageError(f"there is no BaseModel {name} in {where} and no ClusterBaseModel of that name")


async def replace_model(kubeconfig: str | None, body: Body) -> None:
    """Write a model back, if nobody else wrote it meanwhile."""
    async with _cluster(kubeconfig) as cluster:
        await cluster.replace(body)


@asynccontextmanager
async def _cluster(kubeconfig: str | None) -> AsyncIterator[ApiCluster]:
    try:
        connection = await connect(kubeconfig)
    except ConfigException as error:
        raise UsageError(f"no cluster to ask ({error}): name one with --kubeconfig, or use --catalogue") from error
    try:
        yield ApiCluster(connection, SystemClock(), "coppice-cli")
    finally:
        await connection.close()
