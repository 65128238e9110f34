"""A decided job that waits: it says for what, and starts when that is there."""

from datetime import timedelta

import pytest

from builders import make_job
from loop import Loop
from waiting import approval, change, policy, probe_job, say, seen, suspended

ANOTHER = "sha256:" + "0" * 64


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


async def test_an_approval_that_expires_between_two_rungs_covers_the_ladder_that_began_under_it() -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    soon = loop.clock.now() + timedelta(minutes=30)
    await say(loop, approval(loop, key, expires=soon.isoformat()))
    loop.clock.advance(3600)
    loop.restart()
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert [one.approval for one in loop.job(key).status.attempts] == ["yes", "yes"]


async def test_an_approval_taken_back_between_two_rungs_lets_no_further_one_start() -> None:
    loop, key = await seen(policy().approval_above(energyWattHours=0))
    await say(loop, approval(loop, key))
    loop.cluster.remove("TrainingApproval", "research", "yes")
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert suspended(loop, key)[0] == "AwaitingApproval"
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


async def test_a_policy_that_asks_for_no_acknowledgement_any_more_lets_the_job_go() -> None:
    loop, key = await seen(policy().require_acknowledgement())
    assert suspended(loop, key)[0] == "AwaitingAcknowledgement"
    body = loop.cluster.objects["TrainingPolicy", "", "research-rules"]
    body["spec"].pop("requireAcknowledgement")
    loop.cluster.touch(body)
    await loop.turn()
    assert len(loop.cluster.jobs()) == 1
