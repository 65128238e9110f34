"""Whether base models can be used: the Ready condition of BaseModel and ClusterBaseModel."""

from datetime import datetime

from coppice.api import conditions as c
from coppice.api.basemodel import BaseModelObject, BaseModelStatus
from coppice.index import Index, Key
from coppice.planning.readiness import readiness
from coppice.ports import Cluster, NotFound

CLAIM_RECHECK_SECONDS = 300.0
"""Claims are not watched, so a model that lies on one is looked at again after this time."""


async def reconcile_base_model(cluster: Cluster, index: Index, key: Key, now: datetime) -> float | None:
    """Write the Ready condition if it changed."""
    model = index.base_model(key)
    if model is None:
        return None
    claim = claim_of(model)
    exists = None if claim is None else await _claim_exists(cluster, key.namespace, claim)
    ready, reason, message = readiness(model.spec, exists)
    before = model.status or BaseModelStatus()
    generation = model.metadata.generation
    status: c.Status = "True" if ready else "False"
    conditions = c.with_condition(before.conditions, c.READY, status, reason, message, generation=generation, now=now)
    after = before.model_copy(update={"conditions": conditions, "observed_generation": generation})
    if after != model.status:
        try:
            index.put(key.kind, await cluster.patch_status(model.wire(), after.wire()))
        except NotFound:
            return None
    return CLAIM_RECHECK_SECONDS if claim is not None else None


def claim_of(model: BaseModelObject) -> str | None:
    """The claim that holds the model's files, if they lie on one."""
    scheme, _, rest = model.spec.source.uri.partition("://")
    return rest.partition("/")[0] if scheme == "pvc" else None


async def _claim_exists(cluster: Cluster, namespace: str, claim: str) -> bool:
    body = await cluster.get("PersistentVolumeClaim", namespace, claim)
    return body is not None and not body["metadata"].get("deletionTimestamp")
