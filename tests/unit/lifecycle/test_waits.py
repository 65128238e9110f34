"""A decided job that waits: it says for what, starts when that is there, and a kill at any write changes nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import JobBuilder, PolicyBuilder, make_job, make_policy
from coppice.index import Key
from fake_cluster import CrashError
from loop import Loop

ANOTHER = "sha256:" + "0" * 64
PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}


def probe_job(name: str = "topics") -> JobBuilder:
    """A job of two rungs and hundreds of watt-hours."""
    job = make_job(name).methods("LinearProbe").scratch(epochs=30, **PLAN).max_attempts(2)
    return job.set("spec.dataset.examples", 200_000)


def policy() -> PolicyBuilder:
    return make_policy("research-rules")


async def seen(*policies: PolicyBuilder, job: JobBuilder | None = None) -> tuple[Loop, Key]:
    """A job under policies, after its first passes."""
    loop = Loop(*(one.body() for one in policies))
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


async def change(loop: Loop, key: Key, **spec: Any) -> None:
    body = loop.cluster.objects[tuple(key)]
    body["spec"] |= spec
    loop.cluster.touch(body)
    await loop.turn()


async def test_a_plan_above_the_threshold_waits_with_its_decision_and_says_who_may_let_it_go() -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    reason, message = suspended(loop, key)
    status = loop.job(key).status
    assert (reason, loop.cluster.jobs()) == ("AwaitingApproval", [])
    assert "coppice approve topics -n research" in message
    assert status.decision.digest in message
    assert loop.job(key).metadata.uid in message
    assert "approvalAbove.energyWattHours (policy research-rules)" in message
    assert status.decision_record


async def test_an_approval_of_the_decision_lets_it_start_and_is_told() -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    await say(loop, approval(loop, key, message="for the review"))
    assert len(loop.cluster.jobs()) == 1
    assert loop.job(key).status.attempts[0].approval == "yes"
    assert "TrainingApproval yes: for the review" in [event.message for _, event in loop.cluster.events]


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ({"expires": "2026-03-01T11:59:00Z"}, "TrainingApproval yes expired at 2026-03-01T11:59Z"),
        (
            {"decisionDigest": ANOTHER},
            "TrainingApproval yes is for another decision (sha256:000000000000…)",
        ),
        ({"jobUid": "another"}, "TrainingApproval yes is for another TrainingJob of this name (uid another)"),
    ],
)
async def test_an_approval_that_does_not_hold_is_said(spec: dict[str, str], part: str) -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    await say(loop, approval(loop, key, **spec))
    assert part in suspended(loop, key)[1]
    assert loop.cluster.jobs() == []


async def test_an_approval_of_another_job_wakes_and_says_nothing() -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    before = suspended(loop, key)
    await say(loop, approval(loop, key, job="another"))
    assert suspended(loop, key) == before


async def test_an_approval_covers_the_ladder_to_its_last_rung() -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    await say(loop, approval(loop, key))
    loop.restart()
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert [one.method for one in loop.job(key).status.attempts] == ["LinearProbe", "FromScratch"]


async def test_an_approval_that_has_expired_lets_no_further_rung_start() -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    soon = loop.clock.now() + timedelta(minutes=30)
    await say(loop, approval(loop, key, expires=soon.isoformat()))
    loop.clock.advance(3600)
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert suspended(loop, key)[0] == "AwaitingApproval"
    assert "expired" in suspended(loop, key)[1]
    await say(loop, approval(loop, key, "again"))
    assert len(loop.cluster.jobs()) == 2


async def test_a_job_seen_before_its_namespace_waits_for_the_policies_that_select_it() -> None:
    """Both come over watches of their own; deciding without the namespace's labels would pass every policy by."""
    loop = Loop(policy().selecting(team="a").approval_above(energyWattHours=0).body())
    key = loop.apply(probe_job())
    namespace = loop.cluster.objects.pop(("Namespace", "", "research"))
    await loop.pass_over_all()
    assert loop.job(key).status is None
    namespace["metadata"]["labels"] = {"team": "a"}
    await say(loop, namespace)
    assert suspended(loop, key)[0] == "AwaitingApproval"
    assert loop.cluster.jobs() == []


async def test_a_policy_that_is_relaxed_lets_the_job_go() -> None:
    strict = policy().approval_above(energyWattHours=0)
    loop, _ = await seen(strict)
    body = loop.cluster.objects["TrainingPolicy", "", "research-rules"]
    body["spec"].pop("approvalAbove")
    loop.cluster.touch(body)
    await loop.turn()
    assert len(loop.cluster.jobs()) == 1


@pytest.mark.parametrize("by", ["justification", "approval"])
async def test_a_scratch_plan_above_the_threshold_needs_a_justification_or_an_approval(by: str) -> None:
    loop, key = await seen(policy().justification_above(carbonGrams=0))
    reason, message = suspended(loop, key)
    assert reason == "AwaitingApproval"
    assert "say in spec.justification why to train from scratch" in message
    assert "scratch.justificationAbove.carbonGrams (policy research-rules)" in message
    if by == "justification":
        await change(loop, key, justification="the words are our own")
    else:
        await say(loop, approval(loop, key))
    assert len(loop.cluster.jobs()) == 1


async def test_a_justification_does_not_replace_an_approval() -> None:
    loop, key = await seen(policy().scratch_approval_above(carbonGrams=0))
    await change(loop, key, justification="the words are our own")
    assert suspended(loop, key)[0] == "AwaitingApproval"
    assert loop.cluster.jobs() == []


async def test_a_plan_without_scratch_needs_no_justification() -> None:
    strict = policy().justification_above(carbonGrams=0).scratch_approval_above(carbonGrams=0)
    loop, _ = await seen(strict, job=make_job("topics").methods("LinearProbe"))
    assert len(loop.cluster.jobs()) == 1


async def test_everything_that_is_missing_is_said_at_once() -> None:
    strict = policy().approval_above(energyWattHours=0).require_acknowledgement()
    loop, key = await seen(strict)
    reason, message = suspended(loop, key)
    assert reason == "AwaitingApproval"
    assert "add to spec.acknowledge" in message
    assert "coppice approve" in message
    await say(loop, approval(loop, key))
    assert suspended(loop, key)[0] == "AwaitingAcknowledgement"


async def test_a_threshold_in_money_holds_what_has_no_price() -> None:
    loop, key = await seen(policy().approval_above(cost="5"))
    assert "counts as above the 5 in money of approvalAbove.cost (policy research-rules)" in suspended(loop, key)[1]


# Budgets.


async def test_two_jobs_that_would_each_just_fit_one_runs_and_one_is_refused_with_the_numbers() -> None:
    high = await measured()
    loop = Loop(policy().budget(energyWattHours=int(high * 3 / 2) + 1).body())
    first, second = loop.apply(probe_job("first")), loop.apply(probe_job("second"))
    await loop.turn()
    assert [child["metadata"]["labels"]["coppice.dev/trainingjob"] for child in loop.cluster.jobs()] == ["first"]
    reason, message = suspended(loop, second)
    assert reason == "BudgetExhausted"
    numbers = f"0 used, {high:.6g} reserved by open jobs"
    assert numbers in message
    assert "monthlyBudget.energyWattHours of 2026-03" in message
    assert "(policy research-rules)" in message
    assert "2026-04-01T00:00Z" in message
    assert suspended(loop, first)[0] == "NotSuspended"


def held(loop: Loop, key: Key) -> float:
    """Watt-hours that the job's entry reserves."""
    [entry] = [one for one in loop.ledger.specs["research"].entries if one.name == key.name]
    return float(entry.reserved.energy_watt_hours)


MEASURED: list[float] = []


async def measured() -> float:
    """Watt-hours that one job reserves; asked of the loop once."""
    if not MEASURED:
        MEASURED.append(held(*await seen(policy().budget(energyWattHours=10**9))))
    return MEASURED[0]


async def contended() -> tuple[Loop, Key, Key]:
    """Two jobs and a budget that holds only one of them."""
    loop = Loop(policy().budget(energyWattHours=int(await measured() * 3 / 2) + 1).body())
    keys = loop.apply(probe_job("first")), loop.apply(probe_job("second"))
    await loop.turn()
    return loop, *keys


async def test_what_a_settled_job_did_not_use_is_there_for_the_next() -> None:
    loop, first, second = await contended()
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    assert loop.state(first) == "ObjectiveMet"
    assert suspended(loop, second)[0] == "NotSuspended"
    [month] = loop.ledger.specs["research"].months
    joules = loop.job(first).status.totals.energy_joules
    assert month.month == "2026-03"
    assert float(month.energy_watt_hours) == pytest.approx(float(joules) / 3600, abs=1e-6)


async def test_a_settled_job_says_what_is_left_of_the_budget_also_after_a_crash() -> None:
    said = []
    for crash in (None, "ledger", "create TrainingReport"):
        loop = Loop(policy().budget(energyWattHours=10_000).body())
        key = loop.apply(probe_job())
        await loop.turn()
        loop.cluster.run(loop.cluster.jobs()[0], "0.957")
        if crash is not None:
            loop.cluster.crash_after = {"ledger": 0, "create TrainingReport": 1}[crash]
            with pytest.raises(CrashError):
                await loop.turn()
            assert loop.cluster.writes[-1] == crash
            loop.cluster.crash_after = None
            loop.restart()
        await loop.turn()
        said.append(next(one.message for one in loop.job(key).status.conditions if one.type == "Accounted"))
    used = float(loop.job(key).status.totals.energy_joules) / 3600
    assert f"Left of the budget of 2026-03: {10_000 - used:.6g} of 10000 Wh (policy research-rules)." in said[0]
    assert len(set(said)) == 1


async def test_a_deleted_job_gives_back_what_it_did_not_use() -> None:
    loop, first, second = await contended()
    loop.cluster.remove(*first)
    await loop.turn()
    loop.clock.advance(120)
    await loop.turn()
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_job_waits_for_the_next_month_and_then_starts() -> None:
    loop, _, second = await contended()
    body = loop.ledger.specs["research"]
    used = {"month": "2026-03", "energyWattHours": "1000000", "carbonGrams": "0", "cost": "0"}
    loop.ledger.specs["research"] = type(body).model_validate({**body.wire(), "months": [used], "entries": []})
    await loop.turn()
    assert suspended(loop, second)[0] == "BudgetExhausted"
    loop.clock.moment = datetime.fromisoformat("2026-04-01T00:00:01+00:00")
    await loop.turn()
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_plan_larger_than_the_whole_budget_is_told_that_it_never_fits() -> None:
    loop, key = await seen(policy().budget(carbonGrams=0))
    reason, message = suspended(loop, key)
    assert reason == "BudgetExhausted"
    assert "it fits no month" in message


async def test_the_money_of_a_job_is_in_its_totals_and_in_the_ledger() -> None:
    """One licence of 2 and data for 3 are more than what minutes of two cores cost."""
    loop = Loop(policy().budget(cost="100000").body())
    loop.cluster.objects["ComputeProfile", "", "cpu-generic"]["spec"]["pricePerHour"] = "0.05"
    loop.cluster.objects["ClusterBaseModel", "", "all-minilm-l6-v2"]["spec"]["pricePerJob"] = "2"
    key = loop.apply(probe_job().set("spec.dataset.price", "3"))
    await loop.turn()
    assert float(loop.ledger.specs["research"].entries[0].reserved.cost) > 5
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    cost = loop.job(key).status.totals.cost
    spec = loop.ledger.specs["research"]
    assert 5 < cost < 5.1
    assert spec.totals.cost == cost
    assert [month.cost for month in spec.months] == [cost]


async def test_a_budget_in_money_asks_for_a_price() -> None:
    loop, key = await seen(policy().budget(cost="5"))
    assert suspended(loop, key)[0] == "BudgetExhausted"
    assert "ComputeProfile cpu-generic has no price" in suspended(loop, key)[1]


async def test_a_waiting_job_causes_no_write() -> None:
    loop, _, _ = await contended()
    writes = len(loop.cluster.writes)
    await loop.turn()
    assert loop.cluster.writes[writes:] == []


async def test_a_budget_that_grows_lets_the_job_go() -> None:
    loop, _, second = await contended()
    body = loop.cluster.objects["TrainingPolicy", "", "research-rules"]
    body["spec"]["monthlyBudget"] = {"energyWattHours": 10**9}
    loop.cluster.touch(body)
    await loop.turn()
    assert suspended(loop, second)[0] == "NotSuspended"


async def test_a_job_keeps_its_reservation_from_rung_to_rung() -> None:
    loop, first, _ = await contended()
    before = held(loop, first)
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert len(loop.job(first).status.attempts) == 2
    assert held(loop, first) == before


async def live(loop: Loop, turn: Any) -> dict[str, Any]:
    """A job that waits for an approval, reserves its budget and comes to its second rung."""
    key = loop.apply(probe_job())
    await turn()
    loop.cluster.add(approval(loop, key))
    await turn()
    loop.cluster.run(loop.cluster.jobs()[-1], "0.90")
    await turn()
    spec = loop.ledger.specs["research"]
    return {
        "state": loop.state(key),
        "children": len(loop.cluster.jobs()),
        "entries": spec.entries,
        "attempts": [(one.method, one.outcome) for one in loop.job(key).status.attempts],
    }


@pytest.mark.thorough
async def test_a_kill_after_every_write_of_an_approved_life_changes_nothing() -> None:
    rules = policy().approval_above(energyWattHours=0).budget(energyWattHours=10**6).body()
    calm = Loop(rules)
    expected = await live(calm, calm.turn)
    assert expected["children"] == 2
    for number in range(len(calm.cluster.writes)):
        loop = Loop(rules)
        loop.cluster.crash_after = number

        async def turn(loop: Loop = loop) -> None:
            try:
                await loop.turn()
            except CrashError:
                loop.cluster.crash_after = None
                loop.restart()
                await loop.turn()

        assert await live(loop, turn) == expected, f"killed after write {number}"


async def test_a_price_that_is_set_lets_a_job_under_a_budget_in_money_go() -> None:
    loop, key = await seen(policy().budget(cost="5000"))
    assert suspended(loop, key)[0] == "BudgetExhausted"
    body = loop.cluster.objects["ComputeProfile", "", "cpu-generic"]
    body["spec"]["pricePerHour"] = "0.05"
    await say(loop, loop.cluster.objects["ComputeProfile", "", "cpu-generic"])
    assert len(loop.cluster.jobs()) == 1
    assert loop.ledger.specs["research"].entries[0].reserved.cost > 0


async def test_a_policy_that_asks_for_no_acknowledgement_any_more_lets_the_job_go() -> None:
    loop, key = await seen(policy().require_acknowledgement())
    assert suspended(loop, key)[0] == "AwaitingAcknowledgement"
    body = loop.cluster.objects["TrainingPolicy", "", "research-rules"]
    body["spec"].pop("requireAcknowledgement")
    loop.cluster.touch(body)
    await loop.turn()
    assert len(loop.cluster.jobs()) == 1
