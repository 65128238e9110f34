"""A user's own pod template: run as it is, plus what the pod contract adds.

Added are labels, run.json, the output and source claims in the container named trainer, and the restricted profile's
settings where the template says nothing. Nothing that it says is changed: what it must not say was refused before.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from decimal import Decimal
from typing import Any

from coppice.api.run import TRAINER_CONTAINER
from coppice.workloads import volumes
from coppice.workloads.environment import identity
from coppice.workloads.pod import Shape, gang_variables
from coppice.workloads.podrules import mapping, mappings
from coppice.workloads.quantity import parse_quantity
from coppice.workloads.requests import Requests
from coppice.workloads.restricted import CONTAINER_SECURITY, TEMPLATE_SECURITY

Template = Mapping[str, Any]
MOST_OF_A_RESOURCE = Decimal(2) ** 60
"""More than any node has of anything; keeps numbers that users write finite."""


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
    reserved = [_reserved(container) for container in mappings(mapping(template.get("spec")).get("containers"))]
    cores, memory, pieces = (
        sum((_amount(each.get(name)) for each in reserved), Decimal(0)) for name in ("cpu", "memory", resource_name)
    )
    return Requests(cores, int(memory), int(pieces))


def extended_resources(template: Template) -> dict[str, int]:
    """Pieces of each extended resource, such as nvidia.com/gpu, that one pod of the template asks for.

    Main containers run together, init containers before them: the larger counts. What is no quantity counts as
    absent, the server refuses it later.
    """
    spec = mapping(template.get("spec"))
    together: Counter[str] = Counter()
    for container in mappings(spec.get("containers")):
        together.update(_pieces(container))
    for container in mappings(spec.get("initContainers")):
        together |= _pieces(container)
    return dict(together)


def _pieces(container: Template) -> Counter[str]:
    """Extended resources of one container; a name of Kubernetes' own domain, or without one, is none."""
    found: Counter[str] = Counter()
    for name, amount in _reserved(container).items():
        domain, slash, _ = str(name).partition("/")
        if slash and domain != "kubernetes.io" and not domain.endswith(".kubernetes.io"):
            found[str(name)] = int(_amount(amount))
    return +found


def all_containers(spec: Template) -> list[dict[str, Any]]:
    """Init and main containers of a pod spec."""
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _reserved(container: Template) -> dict[str, Any]:
    """Requests of a container; a limit stands in for a missing one."""
    resources = mapping(container.get("resources"))
    return {**mapping(resources.get("limits")), **mapping(resources.get("requests"))}


def _amount(quantity: Any) -> Decimal:
    """A quantity; 0 for what is none, and what no node has is cut to MOST_OF_A_RESOURCE."""
    with suppress(ValueError):
        return min(max(parse_quantity(quantity), Decimal(0)), MOST_OF_A_RESOURCE)
    return Decimal(0)


def _filled(said: Template | None, defaults: Template) -> dict[str, Any]:
    """The defaults with what was said above them; null says nothing."""
    return {**defaults, **{key: value for key, value in (said or {}).items() if value is not None}}


def _join_contract(container: dict[str, Any], shape: Shape) -> None:
    mounts = volumes.contract_mounts(shape.attempt.claim_name, shape.sources)
    container["volumeMounts"] = [*(container.get("volumeMounts") or ()), *mounts]
    named = {variable.get("name") for variable in container.get("env") or ()}
    ours = [variable for variable in (*identity(), *gang_variables(shape)) if variable["name"] not in named]
    container["env"] = [*ours, *(container.get("env") or ())]
