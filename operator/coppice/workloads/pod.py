"""The pod of an attempt: the fetch step, then the trainer (ours, or a user's own container in its place).

The built-in trainer runs in one pod; several pods are a user's own container that asked for them.
"""

from dataclasses import dataclass
from typing import Any

from coppice.api.attempt import AttemptRecord
from coppice.api.computeprofile import ComputeProfile
from coppice.api.run import FETCH_CONTAINER, TRAINER_CONTAINER
from coppice.api.trainer_spec import Container
from coppice.workloads import volumes
from coppice.workloads.environment import caches, identity, threads
from coppice.workloads.gang import rendezvous
from coppice.workloads.images import Images
from coppice.workloads.requests import Requests
from coppice.workloads.restricted import CONTAINER_SECURITY, POD_SECURITY, SEALED_SECURITY

PROGRAM = ["python", "-m", "coppice.trainer"]
GRACE_SECONDS = 120
"""Between SIGTERM and SIGKILL. The built-in trainer checkpoints within 25 s; a user's container may write gigabytes to
a network volume (an assumption)."""


@dataclass(frozen=True)
class Shape:
    """What decides how a pod looks, besides its run."""

    child: str
    attempt: AttemptRecord
    requests: Requests
    profile: ComputeProfile
    images: Images
    sources: tuple[str, ...] = ()
    authority: str = ""

    @property
    def resource_name(self) -> str:
        """The extended resource that stands for the profile's accelerator."""
        return self.profile.spec.accelerator.resource_name if self.profile.spec.accelerator else ""


def pod_spec(shape: Shape, own: Container | None) -> dict[str, Any]:
    """The pod spec; `own` is a user's container that takes the trainer's place."""
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": dict(POD_SECURITY),
        "initContainers": [_fetch(shape)],
        "containers": [_own(shape, own) if own else _built_in(shape)],
        "volumes": [
            *volumes.contract_volumes(shape.attempt.claim_name, shape.sources),
            *volumes.scratch_volumes(shape.authority),
        ],
    }
    if shape.profile.spec.node_selector:
        spec["nodeSelector"] = dict(shape.profile.spec.node_selector)
    if shape.attempt.pods > 1:
        spec["subdomain"] = shape.child
    return spec


def _fetch(shape: Shape) -> dict[str, Any]:
    reserved = Requests(shape.requests.cpu_cores, shape.requests.memory_bytes).wire("")
    return {
        "name": FETCH_CONTAINER,
        "image": shape.images.trainer,
        "imagePullPolicy": shape.images.pull_policy,
        "command": [*PROGRAM, "fetch"],
        "env": [*identity(), *caches()],
        "resources": {"requests": reserved, "limits": reserved},
        "securityContext": dict(SEALED_SECURITY),
        "volumeMounts": [
            *volumes.fetch_mounts(shape.attempt.claim_name, shape.sources),
            *volumes.authority_mounts(shape.authority),
        ],
    }


def _built_in(shape: Shape) -> dict[str, Any]:
    return {
        "name": TRAINER_CONTAINER,
        "image": shape.images.trainer,
        "imagePullPolicy": shape.images.pull_policy,
        "command": [*PROGRAM, "run"],
        "env": [*identity(), *caches(), threads(TRAINER_CONTAINER)],
        **_common(shape),
        "securityContext": dict(SEALED_SECURITY),
    }


def _own(shape: Shape, own: Container) -> dict[str, Any]:
    said = {variable.name: variable.value for variable in own.env}
    ours = [*identity(), *caches(), threads(TRAINER_CONTAINER), *gang_variables(shape)]
    kept = [variable for variable in ours if variable["name"] not in said]
    container: dict[str, Any] = {"name": TRAINER_CONTAINER, "image": own.image}
    if own.command:
        container["command"] = list(own.command)
    if own.args:
        container["args"] = list(own.args)
    return {
        **container,
        "env": [*kept, *({"name": name, "value": value} for name, value in said.items())],
        **_common(shape),
        "securityContext": dict(CONTAINER_SECURITY),
    }


def _common(shape: Shape) -> dict[str, Any]:
    reserved = shape.requests.wire(shape.resource_name)
    mounts = volumes.contract_mounts(shape.attempt.claim_name, shape.sources)
    return {
        "resources": {"requests": reserved, "limits": reserved},
        "volumeMounts": [*mounts, *volumes.scratch_mounts()],
        "terminationMessagePolicy": "File",
    }


def gang_variables(shape: Shape) -> list[dict[str, Any]]:
    """torchrun's environment, where the attempt has several pods."""
    if shape.attempt.pods == 1:
        return []
    return rendezvous(shape.child, shape.attempt.pods, max(shape.requests.accelerators, 1))
