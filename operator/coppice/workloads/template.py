"""A user's own pod template: run as it is, plus what the pod contract adds.

Added are labels, run.json, the output and source claims in the container named trainer, and the restricted profile's
settings where the template says nothing. Nothing that it says is changed: what it must not say was refused before.
"""

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

from coppice.api.run import TRAINER_CONTAINER
from coppice.workloads import volumes
from coppice.workloads.environment import identity
from coppice.workloads.pod import Shape, gang_variables
from coppice.workloads.quantity import parse_quantity
from coppice.workloads.requests import Requests
from coppice.workloads.restricted import CONTAINER_SECURITY, TEMPLATE_SECURITY

Template = Mapping[str, Any]


def templated_pod(template: Template, shape: Shape) -> dict[str, Any]:
    """The pod spec that the template becomes."""
    claim, sources = shape.attempt.claim_name, shape.sources
    spec: dict[str, Any] = deepcopy(dict(template.get("spec") or {}))
    spec = _filled(spec, {"restartPolicy": "Never", "automountServiceAccountToken": False})
    spec["securityContext"] = _filled(spec.get("securityContext"), TEMPLATE_SECURITY)
    for container in all_containers(spec):
        container["securityContext"] = _filled(container.get("securityContext"), CONTAINER_SECURITY)
        if container.get("name") == TRAINER_CONTAINER:
            _join_contract(container, shape)
    spec["volumes"] = [*(spec.get("volumes") or ()), *volumes.contract_volumes(claim, sources)]
    if shape.attempt.pods > 1:
        spec["subdomain"] = shape.child
    return spec


def templated_requests(template: Template, resource_name: str) -> Requests:
    """What the template's main containers reserve together; a limit stands in for a missing request."""
    reserved = [_reserved(container) for container in (template.get("spec") or {}).get("containers") or ()]
    cores = sum((parse_quantity(each.get("cpu", 0)) for each in reserved), Decimal(0))
    memory = sum((parse_quantity(each.get("memory", 0)) for each in reserved), Decimal(0))
    pieces = sum((parse_quantity(each.get(resource_name, 0)) for each in reserved), Decimal(0))
    return Requests(cores, int(memory), int(pieces))


def all_containers(spec: Template) -> list[dict[str, Any]]:
    """Init and main containers of a pod spec."""
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _reserved(container: Template) -> dict[str, Any]:
    resources = container.get("resources") or {}
    return {**(resources.get("limits") or {}), **(resources.get("requests") or {})}


def _filled(said: Template | None, defaults: Template) -> dict[str, Any]:
    """The defaults with what was said above them; null says nothing."""
    return {**defaults, **{key: value for key, value in (said or {}).items() if value is not None}}


def _join_contract(container: dict[str, Any], shape: Shape) -> None:
    mounts = volumes.contract_mounts(shape.attempt.claim_name, shape.sources)
    container["volumeMounts"] = [*(container.get("volumeMounts") or ()), *mounts]
    named = {variable.get("name") for variable in container.get("env") or ()}
    ours = [variable for variable in (*identity(), *gang_variables(shape)) if variable["name"] not in named]
    container["env"] = [*ours, *(container.get("env") or ())]
