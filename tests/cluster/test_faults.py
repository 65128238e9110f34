"""Kills, restarts and absences on the real API server: every life ends once, in the state that it earned."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cluster.operator_process import until
from cluster.stage import Life, Stage, probe_job
from cluster.states import BAD, BEFORE_A_CHILD, GOOD, forbid_status, in_every_state, let_them_end, while_nobody_looks


@pytest.fixture(scope="module")
def held(stage: Stage) -> Stage:
    """The stage with the policy that holds statuses back."""
    forbid_status(stage)
    return stage


def ended_once(stage: Stage, lives: dict[str, Life]) -> None:
    """Every job met its objective with one child per attempt, one report, and is counted once."""
    for name, life in lives.items():
        life.until_accounted()
        assert life.state == "ObjectiveMet", f"{name}: {life}"
        children = Counter(child["metadata"]["labels"]["coppice.dev/attempt"] for child in life.children())
        numbers = [str(one["number"]) for one in life.status["attempts"]]
        assert children == Counter(numbers), name
        assert len(numbers) == len(set(numbers)), name
        assert len(life.reports()) == 1, name
    tenant = next(iter(lives.values())).namespace
    assert stage.until_books_closed(tenant, len(lives)) == {"ObjectiveMet": len(lives)}


def test_an_operator_killed_in_any_state_of_a_life_finds_it_again(held: Stage) -> None:
    lives = in_every_state(held)
    finished = lives["finished"].body()
    held.operator.kill()
    while_nobody_looks(held, lives)
    held.restart()
    let_them_end(held, lives)
    ended_once(held, lives)
    assert lives["finished"].body() == finished, "a finished job is final"
    assert [one["outcome"] for one in lives["next-rung"].status["attempts"]] == ["Missed", "Met"]


def test_an_operator_killed_again_and_again_doubles_nothing(stage: Stage) -> None:
    tenant, chance = stage.tenant(), random.Random(7)
    names = [f"job-{number}" for number in range(6)]
    for name in names:
        stage.node.script(tenant, name, BAD, GOOD)
    with unelected(stage):
        lives = {name: stage.apply(probe_job(name, tenant)) for name in names}
        for _ in range(8):
            pause(chance.uniform(0.1, 1.2))
            stage.operator.kill()
            stage.operator.start().wait_until_leading()
        ended_once(stage, lives)


@pytest.mark.parametrize("absent", [False, True], ids=["the operator runs", "no operator runs"])
@pytest.mark.parametrize("whole_namespace", [False, True], ids=["job by job", "with the namespace"])
def test_a_job_deleted_in_any_state_is_gone_and_counted_once(held: Stage, absent: bool, whole_namespace: bool) -> None:
    lives = in_every_state(held)
    tenant = lives["running"].namespace
    if absent:
        held.operator.terminate()
    held.node.let_go(tenant, "starting")
    if whole_namespace:
        held.api.delete("Namespace", None, tenant)
    for life in lives.values():
        life.delete()
    for life in lives.values():
        life.until_gone()
    if whole_namespace:
        held.until(lambda: held.api.get("Namespace", None, tenant) is None, lambda: f"namespace {tenant} to be gone")
    if absent:
        held.restart()
    spent = len(lives) - len(BEFORE_A_CHILD)
    counted = held.until_books_closed(tenant, spent)
    # Of a job that went while nobody looked the ledger knows what was planned, not that its child was refused.
    planned = 1 if absent else 0
    assert counted == {"ObjectiveMet": 2, "Deleted": spent - 2 + planned}
    if not absent and not whole_namespace:
        reported = {name: len(life.reports()) for name, life in lives.items()}
        assert reported == {name: 0 if name in BEFORE_A_CHILD else 1 for name in lives}


def test_two_lives_of_one_name_leave_two_reports_and_one_ledger_with_both(stage: Stage) -> None:
    tenant = stage.tenant()
    first = stage.apply(probe_job("twice", tenant)).until_state("Running")
    stage.node.hold(tenant, "twice")
    first.delete()
    stage.until(
        lambda: [pod for pod in first.pods() if "deletionTimestamp" in pod["metadata"]], lambda: "a terminating pod"
    )
    second = stage.apply(probe_job("twice", tenant))
    stage.until(second.children, lambda: "the second life's child")
    assert first.pods(), "the first life's pod still terminates"
    stage.node.let_go(tenant, "twice")
    stage.until(lambda: not first.pods(), lambda: "the first life's pod to end")
    second.until_state("Running")
    stage.node.script(tenant, "twice", GOOD)
    second.until_accounted()
    assert stage.until_books_closed(tenant, 2) == {"Deleted": 1, "ObjectiveMet": 1}
    stage.until(first.reports, lambda: "the first life's report")
    assert (len(first.reports()), len(second.reports())) == (1, 1)
    assert [child["metadata"]["ownerReferences"][0]["uid"] for child in second.children()] == [second.uid]


def test_an_api_server_that_restarts_in_the_middle_loses_nothing(stage: Stage) -> None:
    tenant = stage.tenant()
    names = ["ends-meanwhile", "goes-on", "comes-after"]
    lives = {name: stage.apply(probe_job(name, tenant)).until_state("Running") for name in names[:2]}
    stage.node.script(tenant, "ends-meanwhile", GOOD)
    stage.control_plane.restart_api_server()
    lives["comes-after"] = stage.apply(probe_job("comes-after", tenant))
    for name in names:
        stage.node.script(tenant, name, GOOD)
    ended_once(stage, lives)


def test_of_two_operators_one_leads_and_when_it_is_killed_the_other_goes_on(stage: Stage) -> None:
    tenant = stage.tenant()
    second = stage.another_operator().start()
    try:
        until(lambda: "leads" in second.ask("/readyz")[1], "the second to stand by")
        lives = {name: stage.apply(probe_job(name, tenant)) for name in ("one", "two", "three")}
        for life in lives.values():
            life.until_state("Running")
        stage.node.script(tenant, "one", BAD)
        until(lambda: len(lives["one"].children()) == 2, "the second rung of one")
        stage.operator.kill()
        stage.operator = second
        stage.node.script(tenant, "two", GOOD)
        second.wait_until_leading()
        lives["four"] = stage.apply(probe_job("four", tenant))
        stage.node.script(tenant, "one", BAD, GOOD)
        for name in ("three", "four"):
            stage.node.script(tenant, name, GOOD)
        ended_once(stage, lives)
    finally:
        if stage.operator is not second:
            second.kill()


@contextmanager
def unelected(stage: Stage) -> Iterator[None]:
    """An operator that waits for no Lease, so that many kills fit into a test; the elected one stands aside."""
    elected = stage.operator
    elected.terminate()
    stage.operator = stage.another_operator("--no-leader-election").start().wait_until_leading()
    yield
    stage.operator.kill()
    stage.operator = elected
    stage.restart()


def pause(seconds: float) -> None:
    """Let the operator work for a moment."""
    time.sleep(seconds)
