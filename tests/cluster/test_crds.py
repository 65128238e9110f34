"""A real API server takes every definition, lists every kind in words, and explains every field."""

from __future__ import annotations

import json

import pytest

from builders import make_job
from coppice.api.base import Model
from coppice.api.crd import KINDS, definition
from devcluster.controlplane import ControlPlane

pytestmark = pytest.mark.usefixtures("kinds")

PLURALS = [definition(kind)["spec"]["names"]["plural"] for kind in KINDS]


@pytest.mark.parametrize("plural", PLURALS)
def test_a_definition_is_established(control_plane: ControlPlane, plural: str) -> None:
    crd = json.loads(control_plane.kubectl("get", "crd", f"{plural}.coppice.dev", "-o", "json"))
    conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert "NonStructuralSchema" not in conditions


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_short_name_lists_its_kind(control_plane: ControlPlane, kind: type[Model]) -> None:
    names = definition(kind)["spec"]["names"]
    listed = control_plane.kubectl("get", names["shortNames"][0], "-A", "-o", "json")
    assert json.loads(listed)["kind"] == "List"


def test_the_category_lists_jobs(control_plane: ControlPlane, namespace: str) -> None:
    _create_job(control_plane, namespace)
    assert "trainingjob.coppice.dev/newswire-topics" in control_plane.kubectl(
        "get", "coppice", "-n", namespace, "-o", "name"
    )


def test_columns_answer_what_a_user_asks_first(control_plane: ControlPlane, namespace: str) -> None:
    _create_job(control_plane, namespace)
    summary = {"state": "Running", "base": "all-minilm-l6-v2", "accelerators": 0, "energyKilowattHours": "0.0015"}
    status = {"status": {"summary": summary | {"carbonKilograms": "0.0008", "saved": "82 % (declared)"}}}
    job = ("-n", namespace, "trainingjob", "newswire-topics")
    control_plane.kubectl("patch", *job, "--subresource=status", "--type=merge", "--patch", json.dumps(status))
    head, row = control_plane.kubectl("get", *job).splitlines()
    assert head.split() == ["NAME", "STATE", "DECISION", "BASE", "GPUS", "KWH", "KGCO2E", "SAVED", "AGE"]
    assert " ".join(row.split()).startswith("newswire-topics Running all-minilm-l6-v2 0 0.0015 0.0008 82 % (declared)")


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("trainingjob", "A model that a user wants trained, to a quality, within limits."),
        ("trainingjob.spec.objective.target", "Value to reach, as a decimal string such as '0.95'"),
        ("trainingjob.spec.limits.runSeconds", "waiting in a queue does not count"),
        ("trainingjob.status.totals.energyJoules", "Facility energy in joules"),
        ("clusterbasemodel.spec.source.files", "Every file of the model."),
        ("computeprofile.spec.host.idleWatts", "in watts"),
        ("trainingpolicy.spec.licenses", "Which licences may be used."),
        ("trainingreport.spec", "Everything needed to recompute the account."),
        ("trainingledger.spec.totals", "Sums that never fall."),
    ],
)
def test_explain_tells_what_a_field_means(control_plane: ControlPlane, path: str, sentence: str) -> None:
    assert sentence in " ".join(control_plane.kubectl("explain", path).split())


def _create_job(control_plane: ControlPlane, namespace: str) -> None:
    body = make_job().body()
    body["metadata"] = {"name": "newswire-topics", "namespace": namespace}
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(body))
