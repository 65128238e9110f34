"""A job that waits: policies that hold it, what it says meanwhile, and what lets it go."""

from typing import Any

from builders import JobBuilder, ModelBuilder, PolicyBuilder, make_job, make_policy
from coppice.index import Key
from loop import Loop

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}


def probe_job(name: str = "topics") -> JobBuilder:
    """A job of two rungs and hundreds of watt-hours."""
    job = make_job(name).methods("LinearProbe").scratch(epochs=30, **PLAN).max_attempts(2)
    return job.set("spec.dataset.examples", 200_000)


def policy() -> PolicyBuilder:
    return make_policy("research-rules")


async def seen(*others: PolicyBuilder | ModelBuilder, job: JobBuilder | None = None) -> tuple[Loop, Key]:
    """A job under policies and beside base models, after its first passes."""
    loop = Loop(*(one.body() for one in others))
    key = loop.apply(job or probe_job())
    await loop.turn()
    return loop, key


def suspended(loop: Loop, key: Key) -> tuple[str, str]:
    """Reason and message of Suspended."""
    condition = next(one for one in loop.job(key).status.conditions if one.type == "Suspended")
    return condition.reason, condition.message


def approval(loop: Loop, key: Key, name: str = "yes", **spec: Any) -> dict[str, Any]:
    """An approval of the job's decision as it stands, unless `spec` says otherwise."""
    job = loop.job(key)
    wanted = {"job": key.name, "jobUid": job.metadata.uid, "decisionDigest": job.status.decision.digest, **spec}
    body = {"apiVersion": "coppice.dev/v1alpha1", "kind": "TrainingApproval", "spec": wanted}
    return {**body, "metadata": {"name": name, "namespace": key.namespace}}


async def say(loop: Loop, *objects: dict[str, Any]) -> None:
    for body in objects:
        loop.cluster.add(body)
    await loop.turn()


def written(loop: Loop, key: Key, **spec: Any) -> None:
    """A user changes fields of the job's spec."""
    body = loop.cluster.objects[tuple(key)]
    body["spec"] |= spec
    loop.cluster.touch(body)


async def change(loop: Loop, key: Key, **spec: Any) -> None:
    written(loop, key, **spec)
    await loop.turn()
