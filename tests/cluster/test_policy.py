"""Policies on the real API server: who may approve, what an approval lets start, and a budget that two want at once."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders import Builder, make_job, make_policy
from cluster.operator_process import kubeconfig_of, until
from cluster.stage import Life, Stage, probe_job
from coppice.accounting.budget import BudgetExhausted
from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.adapters.connection import connect
from coppice.adapters.ledger import ApiLedger
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingledger import LedgerEntry, Reservation
from coppice.api.trainingpolicy import Amounts
from devcluster.controlplane import ControlPlane
from devcluster.errors import DevClusterError
from devcluster.paths import REPOSITORY_ROOT

pytestmark = pytest.mark.usefixtures("kinds")

DIGEST = "sha256:" + "0" * 64
CHART = str(REPOSITORY_ROOT / "charts" / "coppice")
RELEASE = f"roles-{uuid.uuid4().hex[:6]}"
APPROVER = f"{RELEASE}-coppice-approver"


def approval(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    wanted = {"job": "topics", "jobUid": "0", "decisionDigest": DIGEST, **spec}
    body = {"metadata": {"name": name, "namespace": namespace}, "spec": wanted}
    return TrainingApproval.model_validate(body).wire() | {"metadata": body["metadata"], "spec": wanted}


def refusal(control_plane: ControlPlane, *arguments: str, manifest: dict[str, Any] | None = None) -> str:
    """What kubectl says to a request that is refused; empty when it is accepted."""
    try:
        control_plane.kubectl(*arguments, stdin=json.dumps(manifest) if manifest else None)
    except DevClusterError as error:
        return " ".join(str(error).split())
    return ""


# Manifests.


BAD = {
    "no job": ({"job": None}, "spec.job: Required value"),
    "no decision": ({"decisionDigest": None}, "spec.decisionDigest: Required value"),
    "no uid": ({"jobUid": ""}, "should be at least 1 chars long"),
    "a short digest": ({"decisionDigest": "sha256:0"}, "must be 'sha256:' and 64 lower-case hexadecimal digits"),
    "a name that is none": ({"job": "Topics!"}, "must be the name of a TrainingJob"),
    "an end that is no time": ({"expires": "tomorrow"}, "must be of type date-time"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_approval_is_refused(control_plane: ControlPlane, namespace: str, case: str) -> None:
    change, sentence = BAD[case]
    body = approval("yes", namespace)
    body["spec"] = {name: value for name, value in {**body["spec"], **change}.items() if value is not None}
    assert sentence in refusal(control_plane, "create", "--dry-run=server", "-f", "-", manifest=body)


BAD_POLICIES: dict[str, tuple[Builder[Any], str]] = {
    "a budget of nothing": (make_policy().budget(), "set at least one of energyWattHours, carbonGrams and cost"),
    "a budget in words": (make_policy().budget(cost="much"), "must be a plain decimal number in quotes"),
    "a negative budget": (make_policy().budget(energyWattHours=-1), "should be greater than or equal to 0"),
    "a debt": (make_policy().approval_above(cost="-1"), "cost is an amount of money and must not be negative"),
    "money without quotes": (make_policy().budget(cost=5), "must be of type string"),
    "an empty threshold": (make_policy().scratch_approval_above(), "set at least one of"),
    "an unknown probing": (make_policy().set("spec.probe", "Sometimes"), "supported values:"),
    "an unknown learning": (make_policy().set("spec.learning", "Some"), "supported values:"),
    "more than everything": (make_policy().minimum_saving(101), "should be less than or equal to 100"),
    "an unknown method": (make_policy().methods("Guess"), "supported values:"),
}


@pytest.mark.parametrize("case", BAD_POLICIES)
def test_a_bad_policy_is_refused(control_plane: ControlPlane, case: str) -> None:
    builder, sentence = BAD_POLICIES[case]
    body = {**builder.body(), "metadata": {"name": "bad"}}
    assert sentence in refusal(control_plane, "create", "--dry-run=server", "-f", "-", manifest=body)


def test_an_approval_cannot_be_changed(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(approval("yes", namespace)))
    patch = json.dumps({"spec": {"message": "after all"}})
    answer = refusal(
        control_plane, "patch", "trainingapproval", "yes", "-n", namespace, "--type=merge", "--patch", patch
    )
    assert "a TrainingApproval cannot be changed: delete it and create another" in answer


# Roles.


@pytest.fixture(scope="module")
def roles(control_plane: ControlPlane, kinds: None) -> Iterator[str]:
    """The chart's roles for users, under names of the test's own."""
    manifests = control_plane.helm("template", RELEASE, CHART, "--show-only", "templates/rbac/users.yaml")
    chosen = [one for one in yaml.safe_load_all(manifests) if one and one["kind"] == "ClusterRole"]
    documents = json.dumps({"apiVersion": "v1", "kind": "List", "items": chosen})
    control_plane.kubectl("create", "-f", "-", stdin=documents)
    yield RELEASE
    control_plane.kubectl("delete", "-f", "-", stdin=documents)


def bind(control_plane: ControlPlane, namespace: str, role: str, user: str) -> None:
    control_plane.kubectl("create", "rolebinding", user, "-n", namespace, f"--clusterrole={role}", f"--user={user}")


@pytest.fixture
def people(control_plane: ControlPlane, roles: str, namespace: str) -> str:
    """ada has the cluster's edit role, bea its admin role, and grace the approver role, in one namespace."""
    for role, user in (("edit", "ada"), ("admin", "bea"), (APPROVER, "grace")):
        bind(control_plane, namespace, role, user)
    job = without_server_fields(make_job("trial", namespace))
    for user in ("ada", "bea"):
        until(
            lambda user=user: not as_(control_plane, user, namespace, job, dry=True), f"{user}'s role to be aggregated"
        )
    return namespace


def without_server_fields(job: Builder[Any]) -> dict[str, Any]:
    body = job.body()
    return {**body, "metadata": {name: body["metadata"][name] for name in ("name", "namespace")}}


def as_(control_plane: ControlPlane, user: str, namespace: str, body: dict[str, Any], *, dry: bool = False) -> str:
    """What somebody is told who creates an object; empty when it is accepted."""
    more = ["--dry-run=server"] if dry else []
    return refusal(control_plane, "create", *more, f"--as={user}", "-n", namespace, "-f", "-", manifest=body)


@pytest.mark.parametrize("user", ["ada", "bea"])
def test_who_may_create_jobs_may_not_approve_them(control_plane: ControlPlane, people: str, user: str) -> None:
    assert as_(control_plane, user, people, without_server_fields(make_job(f"by-{user}", people))) == ""
    answer = as_(control_plane, user, people, approval("yes", people))
    assert "Forbidden" in answer
    assert 'cannot create resource "trainingapprovals"' in answer
    seen = control_plane.kubectl("auth", "can-i", "list", "trainingapprovals", f"--as={user}", "-n", people)
    assert seen.strip() == "yes"


def test_the_approver_approves_and_creates_no_job(control_plane: ControlPlane, people: str) -> None:
    assert as_(control_plane, "grace", people, approval("yes", people)) == ""
    job = without_server_fields(make_job("hers", people))
    assert 'cannot create resource "trainingjobs"' in as_(control_plane, "grace", people, job)
    elsewhere = refusal(
        control_plane, "create", "--as=grace", "-n", "default", "-f", "-", manifest=approval("yes", "default")
    )
    assert "Forbidden" in elsewhere


def test_the_admin_of_a_namespace_cannot_make_approvers(control_plane: ControlPlane, people: str) -> None:
    """Nobody grants by a RoleBinding what they do not have: only the cluster's administrator binds the role."""
    role = (f"--clusterrole={APPROVER}", "--user=bea")
    answer = refusal(control_plane, "create", "rolebinding", "mine", "-n", people, *role, "--as=bea")
    assert "attempting to grant RBAC permissions not currently held" in answer


# Lives.


def ruled(stage: Stage, **rules: Any) -> str:
    """A tenant namespace with a policy of its own, which the operator has seen: a job that waits resolves to it."""
    name = f"rules-{uuid.uuid4().hex[:8]}"
    tenant = stage.tenant(rules=name)
    policy = make_policy(name).selecting(rules=name)
    for field, value in rules.items():
        policy = policy.set(f"spec.{field}", value)
    stage.add(policy.body())
    trial = stage.apply(probe_job("trial", tenant).suspended())
    stage.until(lambda: name in trial.status.get("resolved", {}).get("policies", ()), lambda: f"{name} to hold")
    trial.delete()
    trial.until_gone()
    return tenant


def until_waiting(stage: Stage, life: Life, reason: str, part: str = "") -> str:
    """Wait until the job waits for this, in these words; the whole message."""

    def waits() -> bool:
        condition = life.condition("Suspended")
        return condition.get("reason") == reason and part in condition.get("message", "")

    stage.until(waits, lambda: f"{life} to wait with {reason}, not {life.condition('Suspended')}")
    return str(life.condition("Suspended")["message"])


def test_a_plan_waits_until_somebody_who_may_says_yes(stage: Stage, roles: str, tmp_path: Path) -> None:
    tenant = ruled(stage, approvalAbove={"energyWattHours": 0})
    stage.node.script(tenant, "topics", "0.90", "0.957")
    life = stage.apply(probe_job("topics", tenant))
    message = until_waiting(stage, life, "AwaitingApproval")
    assert f"coppice approve topics -n {tenant}" in message
    assert life.status["decision"]["digest"] in message
    stage.api.create(approval("wrong", tenant, jobUid=life.uid))
    until_waiting(stage, life, "AwaitingApproval", "TrainingApproval wrong is for another decision")
    assert life.children() == []
    said = approve(stage, tenant, "topics", tmp_path)
    assert "FromScratch" in said
    life.until_state("ObjectiveMet")
    assert [one["method"] for one in life.status["attempts"]] == ["LinearProbe", "FromScratch"]


def approve(stage: Stage, tenant: str, job: str, directory: Path) -> str:
    """Somebody with the approver role alone runs the command."""
    control_plane = stage.control_plane
    control_plane.kubectl("create", "serviceaccount", "grace", "-n", tenant)
    control_plane.kubectl(
        "create", "rolebinding", "grace", "-n", tenant, f"--clusterrole={APPROVER}", f"--serviceaccount={tenant}:grace"
    )
    kubeconfig = kubeconfig_of(control_plane, tenant, "grace", directory / "grace.kubeconfig")
    program = "from coppice.cli.main import main; main()"
    command = [sys.executable, "-c", program, "approve", job, "-n", tenant, "--expires", "24h", "--message", "reviewed"]
    done = subprocess.run(
        [*command, "--kubeconfig", str(kubeconfig)],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [made] = [one for one in stage.api.list("TrainingApproval", tenant) if one["metadata"]["name"] != "wrong"]
    assert made["spec"]["message"] == "reviewed"
    return done.stdout


def test_a_justification_lets_scratch_start(stage: Stage) -> None:
    tenant = ruled(stage, scratch={"justificationAbove": {"carbonGrams": 0}})
    life = stage.apply(probe_job("topics", tenant))
    until_waiting(stage, life, "AwaitingApproval", "say in spec.justification why to train from scratch")
    stage.node.script(tenant, "topics", "0.957")
    life.edit(justification="the words are our own")
    life.until_state("ObjectiveMet")


def test_of_two_jobs_that_would_each_just_fit_one_runs_and_one_is_refused_with_the_numbers(stage: Stage) -> None:
    free = ruled(stage, monthlyBudget={"energyWattHours": 10**9})
    stage.apply(large_job("measure", free))
    stage.until(lambda: stage.ledger(free)["entries"], lambda: "an entry")
    high = Decimal(stage.ledger(free)["entries"][0]["reserved"]["energyWattHours"])
    tenant = ruled(stage, monthlyBudget={"energyWattHours": int(high * 3 / 2)})
    lives = [stage.apply(large_job(name, tenant)) for name in ("one", "two")]
    stage.until(lambda: sorted(map(reason, lives)) == ["BudgetExhausted", "NotSuspended"], lambda: str(lives))
    waiting = next(life for life in lives if reason(life) == "BudgetExhausted")
    running = next(life for life in lives if life is not waiting)
    message = until_waiting(stage, waiting, "BudgetExhausted")
    for part in (f"is {int(high * 3 / 2)} Wh", "0 used", f"{float(high):.6g} reserved", "when the month ends"):
        assert part in message
    assert (len(running.children()), waiting.children()) == (1, [])
    stage.node.script(tenant, running.name, "0.957")
    stage.node.script(tenant, waiting.name, "0.957")
    running.until_state("ObjectiveMet")
    waiting.until_state("ObjectiveMet")
    months = stage.ledger(tenant)["months"]
    assert [month["month"] for month in months] == [datetime.now(UTC).strftime("%Y-%m")]
    assert Decimal(months[0]["energyWattHours"]) > 0


def large_job(name: str, namespace: str) -> Builder[Any]:
    """A job of hundreds of watt-hours, as budgets count whole ones."""
    return probe_job(name, namespace).set("spec.dataset.examples", 200_000)


def reason(life: Life) -> str:
    return str(life.condition("Suspended").get("reason", ""))


def test_a_waiting_job_that_is_deleted_leaves_nothing_in_the_books(stage: Stage) -> None:
    tenant = ruled(stage, monthlyBudget={"carbonGrams": 0})
    life = stage.apply(probe_job("topics", tenant))
    until_waiting(stage, life, "BudgetExhausted", "it fits no month")
    life.delete()
    life.until_gone()
    assert stage.ledger(tenant)["entries"] == []


async def test_two_operators_at_once_reserve_no_more_than_the_budget(
    control_plane: ControlPlane, namespace: str
) -> None:
    """Each has its own picture; the API server's compare-and-swap alone keeps them apart."""
    connection = await connect(str(control_plane.kubeconfig))
    try:
        clusters = [ApiCluster(connection, SystemClock(), f"operator-{number}") for number in range(2)]
        ledgers = [ApiLedger(cluster, namespace) for cluster in clusters]
        for ledger in ledgers:
            await ledger.load()
        budget = Amounts(energy_watt_hours=1000)
        outcomes = await asyncio.gather(
            *(ledgers[number % 2].open("research", wanting(f"job-{number}"), budget) for number in range(40)),
            return_exceptions=True,
        )
        refused = [one for one in outcomes if isinstance(one, BudgetExhausted)]
        assert [one for one in outcomes if one is not None and one not in refused] == []
        body = await clusters[0].get("TrainingLedger", namespace, "research")
    finally:
        await connection.close()
    assert body is not None
    assert (len(refused), len(body["spec"]["entries"])) == (30, 10)


def wanting(name: str) -> LedgerEntry:
    held = Reservation(month="2026-01", energy_watt_hours=Decimal(100))
    return LedgerEntry(uid=name, name=name, opened=datetime(2026, 1, 1, tzinfo=UTC), reserved=held)
