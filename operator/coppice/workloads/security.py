"""Refusals of a user's own pod template, as sentences for its author.

Making TrainingJobs is making pods: what a tenant could not do with a pod of its own under Pod Security "restricted",
it cannot do through a job. What is a matter of trust rather than of isolation (service accounts, secrets, priority,
schedulers, tolerations) a TrainingPolicy may allow by name; an admission policy cannot see which policies hold, so
those are checked here alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingpolicy import PodExceptions
from coppice.workloads.podrules import POD_RULES, PodView, mapping, mappings

TEMPLATE = "spec.trainer.template"
EVERY_TAINT = "*"
"""Stands for a toleration without a key, which tolerates every taint."""


@dataclass(frozen=True)
class Exceptional:
    """Something a template may use only where a policy lists it."""

    what: str
    field: str
    used: Callable[[PodView], Iterable[str]]
    listed: Callable[[PodExceptions], Iterable[str]]
    always: frozenset[str] = frozenset()


def job_refusals(spec: TrainingJobSpec, exceptions: PodExceptions) -> list[str]:
    """Why a job's own pod cannot be run; empty when it can, or when the job brings none."""
    template = spec.trainer.template if spec.trainer else None
    return [] if template is None else refusals(template, exceptions)


def refusals(template: Mapping[str, Any], exceptions: PodExceptions) -> list[str]:
    """Why a PodTemplateSpec cannot be run, one sentence each; empty when it can."""
    pod = PodView.of(template)
    broken = [f"{TEMPLATE} {rule.sentence}" for rule in POD_RULES if not rule.fine(pod)]
    return broken + [sentence for each in EXCEPTIONAL for sentence in _unlisted(each, pod, exceptions)]


def _unlisted(each: Exceptional, pod: PodView, exceptions: PodExceptions) -> list[str]:
    allowed = {*each.always, *each.listed(exceptions)}
    missing = sorted({name for name in each.used(pod) if name and name not in allowed})
    wanted = f"needs a TrainingPolicy that lists it in podExceptions.{each.field}"
    return [f"{TEMPLATE} uses {each.what} {name}, which {wanted}" for name in missing]


def _service_accounts(pod: PodView) -> Iterable[str]:
    return (str(pod.spec.get(key) or "") for key in ("serviceAccountName", "serviceAccount"))


def _tolerations(pod: PodView) -> Iterable[str]:
    return (str(each.get("key") or EVERY_TAINT) for each in mappings(pod.spec.get("tolerations")))


def _secrets(pod: PodView) -> Iterable[str]:
    """Names of secrets in volumes, projections, environments and pull secrets."""
    for volume in pod.volumes:
        yield str(mapping(volume.get("secret")).get("secretName") or "")
        for source in mappings(mapping(volume.get("projected")).get("sources")):
            yield str(mapping(source.get("secret")).get("name") or "")
    for container in pod.containers:
        for source in mappings(container.get("envFrom")):
            yield str(mapping(source.get("secretRef")).get("name") or "")
        for variable in mappings(container.get("env")):
            yield str(mapping(mapping(variable.get("valueFrom")).get("secretKeyRef")).get("name") or "")
    for secret in mappings(pod.spec.get("imagePullSecrets")):
        yield str(secret.get("name") or "")


EXCEPTIONAL: tuple[Exceptional, ...] = (
    Exceptional(
        "service account",
        "serviceAccountNames",
        _service_accounts,
        lambda exceptions: exceptions.service_account_names,
        frozenset({"default"}),
    ),
    Exceptional("secret", "secretNames", _secrets, lambda exceptions: exceptions.secret_names),
    Exceptional(
        "priority class",
        "priorityClassNames",
        lambda pod: [str(pod.spec.get("priorityClassName") or "")],
        lambda exceptions: exceptions.priority_class_names,
    ),
    Exceptional(
        "scheduler",
        "schedulerNames",
        lambda pod: [str(pod.spec.get("schedulerName") or "")],
        lambda exceptions: exceptions.scheduler_names,
        frozenset({"default-scheduler"}),
    ),
    Exceptional("a toleration of", "tolerations", _tolerations, lambda exceptions: exceptions.tolerations),
)
