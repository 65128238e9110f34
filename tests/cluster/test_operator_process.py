"""The operator as a process, with the chart's own roles: start, standby, take-over, stop, and silence without news.

These tests have a control plane of their own, because they read its audit log and take away its kinds.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from builders import make_job, make_model, make_profile
from cluster.operator_process import RELEASE, OperatorProcess, installed, kubeconfig_of, until
from coppice.app.operator import EXIT_LEASE_LOST, LEASE_NAME
from devcluster.controlplane import ControlPlane
from devcluster.paths import REPOSITORY_ROOT

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"""

Start = Callable[..., OperatorProcess]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that notes every mutating request."""
    state = tmp_path_factory.mktemp("audited")
    policy = state / "audit-policy.yaml"
    policy.write_text(POLICY)
    audit = (f"--audit-policy-file={policy}", f"--audit-log-path={state / 'audit.log'}")
    with ControlPlane(state / "plane", api_server_arguments=audit) as cluster:
        yield cluster


def audited(plane: ControlPlane, user: str) -> list[dict[str, Any]]:
    """Mutating requests of a user so far."""
    lines = (plane.state.parent / "audit.log").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return [entry for entry in entries if entry["user"]["username"] == user]


def kinds_served(plane: ControlPlane) -> None:
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(REPOSITORY_ROOT / "crds"))
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


@pytest.fixture
def home(plane: ControlPlane) -> str:
    """A namespace for the operator of one test: Leases and ledgers of different tests keep apart."""
    name = f"home-{uuid.uuid4().hex[:8]}"
    plane.kubectl("create", "namespace", name)
    return name


@pytest.fixture
def start(plane: ControlPlane, home: str, tmp_path: Path) -> Iterator[Start]:
    """Starts operators with the chart's roles; whatever still runs at the end of the test is killed."""
    kinds_served(plane)
    kubeconfig = installed(plane, home, tmp_path / "operator.kubeconfig")
    started: list[OperatorProcess] = []

    def begin(*arguments: str) -> OperatorProcess:
        started.append(OperatorProcess(kubeconfig, home, tmp_path, *arguments).start())
        return started[-1]

    yield begin
    for operator in started:
        operator.kill()


def apply(plane: ControlPlane, *bodies: dict[str, Any]) -> None:
    """Apply what a user writes: name, namespace and spec."""
    items = []
    for body in bodies:
        metadata = {name: body["metadata"][name] for name in ("name", "namespace") if name in body["metadata"]}
        items.append({**{key: body[key] for key in ("apiVersion", "kind", "spec")}, "metadata": metadata})
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=text)


def job_status(plane: ControlPlane, namespace: str, name: str = "newswire-topics") -> dict[str, Any]:
    read = json.loads(plane.kubectl("get", "trainingjob", name, "-n", namespace, "-o", "json"))
    status: dict[str, Any] = read.get("status", {})
    return status


@pytest.fixture
def tenant(plane: ControlPlane) -> Iterator[str]:
    """A user's namespace."""
    name = f"tenant-{uuid.uuid4().hex[:8]}"
    plane.kubectl("create", "namespace", name)
    yield name
    plane.kubectl("delete", "namespace", name, "--wait=false")


def lease_holder(plane: ControlPlane, home: str) -> str:
    path = "jsonpath={.spec.holderIdentity}"
    return plane.kubectl("get", "lease", LEASE_NAME, "-n", home, "-o", path)


def test_without_its_kinds_it_waits_says_so_and_goes_on_when_they_come(
    plane: ControlPlane, home: str, tmp_path: Path
) -> None:
    plane.kubectl("delete", "--ignore-not-found", "-f", str(REPOSITORY_ROOT / "crds"))
    kubeconfig = installed(plane, home, tmp_path / "operator.kubeconfig")
    with OperatorProcess(kubeconfig, home, tmp_path) as operator:
        until(lambda: operator.ask("/readyz")[0] == 503, "the probe to answer")
        assert "install the CustomResourceDefinitions" in operator.ask("/readyz")[1]
        assert operator.ask("/healthz") == (200, "ok\n")
        kinds_served(plane)
        operator.wait_until_leading()


def test_without_its_rights_it_waits_and_names_the_right(plane: ControlPlane, home: str, tmp_path: Path) -> None:
    kinds_served(plane)
    kubeconfig = kubeconfig_of(plane, home, "default", tmp_path / "powerless.kubeconfig")
    with OperatorProcess(kubeconfig, home, tmp_path, "--no-leader-election") as operator:
        until(lambda: "install the ClusterRole" in operator.ask("/readyz")[1], "the probe to name what is missing")
        assert 'cannot list resource "trainingledgers"' in operator.ask("/readyz")[1]


def test_a_job_is_decided_and_its_child_made_once_and_then_nothing_is_written_but_the_lease(
    plane: ControlPlane, home: str, tenant: str, start: Start
) -> None:
    operator = start("--resync-seconds=2").wait_until_leading()
    apply(plane, make_profile().body(), make_model().body())
    apply(plane, make_job(namespace=tenant).body())
    until(lambda: job_status(plane, tenant).get("attempts"), "an attempt in the job's status")
    user = f"system:serviceaccount:{home}:{RELEASE}"
    quiet_for = 8.0

    def last_write() -> float:
        others = [entry for entry in audited(plane, user) if entry["objectRef"]["resource"] != "leases"]
        return max(_seconds(entry) for entry in others)

    until(lambda: time.time() - last_write() > quiet_for, "writes to end", seconds=90)
    written = Counter(
        (entry["verb"], entry["objectRef"]["resource"], entry["objectRef"].get("subresource", ""))
        for entry in audited(plane, user)
    )
    assert written["create", "jobs", ""] == 1
    assert written["create", "trainingledgers", ""] == 1
    assert operator.running
    assert _seconds(audited(plane, user)[-1]) > last_write(), "the Lease is renewed all the time"
    assert 'coppice_decisions_total{reason="' in operator.metrics()


def test_a_second_operator_stands_by_and_follows_one_that_was_killed(
    plane: ControlPlane, home: str, start: Start
) -> None:
    first = start().wait_until_leading()
    second = start()
    until(lambda: "leads" in second.ask("/readyz")[1], "the second to stand by")
    assert second.ask("/readyz")[0] == 200
    assert f"operator-{first.health_port}" in second.ask("/readyz")[1]
    assert "coppice_leader 1.0" in first.metrics()
    assert "coppice_leader 0.0" in second.metrics()
    assert "coppice_grid_intensity" in first.metrics()
    assert "coppice_grid_intensity" not in second.metrics(), "only the leader exports accounts"
    first.kill()
    second.wait_until_leading()
    assert f"operator-{second.health_port}" in lease_holder(plane, home)


def test_a_leader_that_hung_ends_at_once_when_it_wakes(plane: ControlPlane, home: str, start: Start) -> None:
    first = start().wait_until_leading()
    second = start()
    until(lambda: "leads" in second.ask("/readyz")[1], "the second to stand by")
    first.pause()
    second.wait_until_leading()
    first.resume()
    assert first.process.wait(20) == EXIT_LEASE_LOST
    assert "could not be renewed" in first.output()
    assert second.running


def test_sigterm_ends_it_well_and_leaves_the_lease_free(plane: ControlPlane, home: str, start: Start) -> None:
    operator = start().wait_until_leading()
    assert operator.terminate() == 0
    assert lease_holder(plane, home) == ""


def test_sigterm_ends_a_standby_too(plane: ControlPlane, home: str, start: Start) -> None:
    first = start().wait_until_leading()
    second = start()
    until(lambda: "leads" in second.ask("/readyz")[1], "the second to stand by")
    assert second.terminate() == 0
    assert f"operator-{first.health_port}" in lease_holder(plane, home)


def test_an_api_server_that_restarts_costs_nothing(plane: ControlPlane, tenant: str, start: Start) -> None:
    operator = start("--no-leader-election").wait_until_leading()
    plane.restart_api_server()
    apply(plane, make_job(namespace=tenant).body())
    until(lambda: job_status(plane, tenant).get("conditions"), "the job to be seen after the restart")
    assert operator.running


def test_everything_it_says_is_json_and_holds_no_token(plane: ControlPlane, home: str, start: Start) -> None:
    operator = start("--log-level=debug").wait_until_leading()
    operator.terminate()
    assert operator.entries()
    assert "eyJ" not in operator.output()


def test_a_settings_file_with_a_mistake_stops_the_start(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("minimumSaving: 10\n")
    operator = start(f"--default-policy={file}")
    assert operator.process.wait(30) == 2
    assert "minimumSaving" in operator.output()


def _seconds(entry: dict[str, Any]) -> float:
    return datetime.fromisoformat(entry["stageTimestamp"]).timestamp()
