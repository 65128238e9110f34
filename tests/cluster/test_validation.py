"""The API server refuses bad manifests with a sentence that says what to change, and accepts the good ones."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from builders import Builder, make_job, make_model, make_policy, make_profile, make_report
from devcluster.controlplane import ControlPlane
from devcluster.errors import DevClusterError
from manifests import BAD, GOOD, Manifest, job, manifest_of

pytestmark = pytest.mark.usefixtures("kinds")


@pytest.fixture(scope="module")
def tenant(control_plane: ControlPlane) -> Iterator[str]:
    """One namespace for all cases: every one has a name of its own or is a dry run."""
    name = f"validation-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def refusal(control_plane: ControlPlane, *arguments: str, manifest: Manifest | None = None) -> str:
    """What kubectl says to a request, with the line breaks taken out; empty when it is accepted."""
    try:
        control_plane.kubectl(*arguments, stdin=json.dumps(manifest) if manifest else None)
    except DevClusterError as error:
        return " ".join(str(error).split())
    return ""


@pytest.mark.parametrize("case", BAD)
def test_a_bad_manifest_is_refused(control_plane: ControlPlane, tenant: str, case: str) -> None:
    builder, sentence = BAD[case]
    answer = refusal(control_plane, "create", "--dry-run=server", "-f", "-", manifest=manifest_of(builder, tenant))
    assert sentence in answer


@pytest.mark.parametrize("case", GOOD)
def test_a_good_manifest_is_accepted(control_plane: ControlPlane, tenant: str, case: str) -> None:
    manifest = manifest_of(GOOD[case], tenant)
    assert refusal(control_plane, "create", "--dry-run=server", "--validate=strict", "-f", "-", manifest=manifest) == ""


@pytest.mark.parametrize("kind", ["trainingjob", "basemodel", "computeprofile", "trainingpolicy"])
def test_a_misspelt_field_is_refused_by_kubectl(control_plane: ControlPlane, tenant: str, kind: str) -> None:
    builders: dict[str, Callable[[], Builder[Any]]] = {
        "trainingjob": make_job,
        "basemodel": lambda: make_model().namespaced("any"),
        "computeprofile": make_profile,
        "trainingpolicy": make_policy,
    }
    manifest = manifest_of(builders[kind]().set("spec.sustitution", {}), tenant)
    assert 'unknown field "spec.sustitution"' in refusal(control_plane, "create", "-f", "-", manifest=manifest)


FIXED = "cannot change after creation: create a new TrainingJob instead"
GROWS = "spec.acknowledge can only grow: what was accepted cannot be taken back"
QUEUE = "spec.scheduling.queueName can change only while spec.suspend is true: suspend the job first"
OPTIONAL = {
    "domains": ["text/law"],
    "languages": ["de"],
    "fromScratch": {"config": {"model_type": "bert"}, "epochs": 31},
    "substitution": {"mode": "Auto"},
    "use": {"commercial": False},
    "limits": {"runSeconds": 1},
    "resources": {"pods": 2},
    "output": {"path": "elsewhere"},
    "trainer": {"seed": 8},
    "register": {"name": "other"},
}

CHANGES: dict[str, tuple[Builder[Any], Manifest, str]] = {
    **{f"{name} added": (make_job().set(f"spec.{name}", None), {name: value}, f"spec.{name} {FIXED}")
       for name, value in OPTIONAL.items()},
    **{f"{name} removed": (job(f"spec.{name}", value), {name: None}, f"spec.{name} {FIXED}")
       for name, value in OPTIONAL.items()},
    "another task": (make_job(), {"task": "token-classification"}, f"spec.task {FIXED}"),
    "another dataset": (make_job(), {"dataset": {"examples": 1}}, f"spec.dataset {FIXED}"),
    "a lower target": (make_job(), {"objective": {"target": "0.5"}}, f"spec.objective {FIXED}"),
    "more attempts": (make_job(), {"maxAttempts": 8}, f"spec.maxAttempts {FIXED}"),
    "another controller": (make_job(), {"managedBy": "example.org/other"}, f"spec.managedBy {FIXED}"),
    "another template": (make_job().template(), {"trainer": {"template": {"spec": {"hostNetwork": True}}}},
                         f"spec.trainer {FIXED}"),
    "another model from scratch": (make_job().scratch(), {"fromScratch": {"config": {"hidden_size": 9}}},
                                   f"spec.fromScratch {FIXED}"),
    "an acknowledgement taken back": (make_job().acknowledge("a", "b"), {"acknowledge": ["a"]}, GROWS),
    "all acknowledgements removed": (make_job().acknowledge("a"), {"acknowledge": None}, GROWS),
    "another queue while running": (make_job().queue("a"), {"scheduling": {"queueName": "b"}}, QUEUE),
    "a queue added while running": (make_job().set("spec.scheduling.backend", "Job"),
                                    {"scheduling": {"queueName": "b"}}, QUEUE),
    "a queue with its scheduling added while running": (make_job(), {"scheduling": {"queueName": "b"}}, QUEUE),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_a_forbidden_change_is_refused(control_plane: ControlPlane, tenant: str, case: str) -> None:
    before, change, sentence = CHANGES[case]
    assert sentence in change_refused(control_plane, tenant, before, change)


ALLOWED: dict[str, tuple[Builder[Any], Manifest]] = {
    "suspension": (make_job().template(), {"suspend": True}),
    "resumption": (make_job().suspended(), {"suspend": False}),
    "a lifetime": (make_job(), {"ttlSecondsAfterFinished": 60}),
    "a justification": (make_job().scratch(), {"justification": "the words are our own"}),
    "an acknowledgement": (make_job().acknowledge("a"), {"acknowledge": ["b", "a"]}),
    "the first acknowledgement": (make_job(), {"acknowledge": ["a"]}),
    "another queue while suspended": (make_job().queue("a").suspended(), {"scheduling": {"queueName": "b"}}),
    "a first queue while suspended": (make_job().suspended(), {"scheduling": {"queueName": "b"}}),
    "no queue while suspended": (make_job().queue("a").suspended(), {"scheduling": None}),
    "another queue with the suspension": (make_job().queue("a"), {"suspend": True, "scheduling": {"queueName": "b"}}),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_an_allowed_change_is_accepted(control_plane: ControlPlane, tenant: str, case: str) -> None:
    before, change = ALLOWED[case]
    assert change_refused(control_plane, tenant, before, change) == ""


def change_refused(control_plane: ControlPlane, namespace: str, before: Builder[Any], change: Manifest) -> str:
    """What the server says when the spec of a stored object is patched."""
    manifest = manifest_of(before.named(f"job-{uuid.uuid4().hex[:8]}"), namespace)
    assert refusal(control_plane, "create", "-f", "-", manifest=manifest) == ""
    patch = json.dumps({"spec": change})
    target = ("-n", namespace, manifest["kind"].lower(), manifest["metadata"]["name"])
    return refusal(control_plane, "patch", *target, "--type=merge", "--patch", patch)


def test_a_report_cannot_be_changed(control_plane: ControlPlane, tenant: str) -> None:
    answer = change_refused(control_plane, tenant, make_report(), {"state": "ObjectiveMissed"})
    assert "a TrainingReport is the record of what happened and cannot be changed" in answer
