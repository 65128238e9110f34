"""A plan from scratch that takes its tokenizer from a base model starts when that model can be used."""

from builders import JobBuilder, make_model
from loop import Loop
from waiting import approval, policy, probe_job, say, seen, suspended

NAME = "house-words"


def job() -> JobBuilder:
    reference = {"kind": "ClusterBaseModel", "name": NAME}
    return probe_job().mode("Never").set("spec.fromScratch.tokenizerFrom", reference)


async def test_it_waits_for_a_model_that_nobody_registered_yet() -> None:
    loop, key = await seen(job=job())
    missing = f"register ClusterBaseModel {NAME} (spec.fromScratch.tokenizerFrom)"
    assert suspended(loop, key) == ("AwaitingBaseModel", missing)
    assert loop.cluster.jobs() == []
    await say(loop, make_model(NAME).body())
    assert len(loop.cluster.jobs()) == 1


async def test_it_waits_for_a_model_whose_files_have_no_digest() -> None:
    unpinned = make_model(NAME).set("spec.source.files", [{"name": "tokenizer.json", "sizeBytes": 1}])
    loop, key = await seen(unpinned, job=job())
    reason, message = suspended(loop, key)
    assert reason == "AwaitingBaseModel"
    assert message.startswith(f"ClusterBaseModel {NAME} (spec.fromScratch.tokenizerFrom) is not Ready: ")
    assert loop.cluster.jobs() == []


async def test_the_model_that_comes_may_be_tried_instead_and_nothing_was_decided_before() -> None:
    loop = Loop()
    loop.cluster.remove("ClusterBaseModel", "", "all-minilm-l6-v2")
    key = loop.apply(job().mode("Auto"))
    await loop.turn()
    assert suspended(loop, key)[0] == "AwaitingBaseModel"
    assert not loop.job(key).status.decision_record
    await say(loop, make_model(NAME).body())
    assert [one.method for one in loop.job(key).status.attempts] == ["LinearProbe"]


async def test_an_approval_is_asked_for_once_the_model_is_there() -> None:
    loop, key = await seen(policy().scratch_approval_above(carbonGrams=0), job=job())
    assert suspended(loop, key)[0] == "AwaitingBaseModel"
    await say(loop, make_model(NAME).body())
    assert suspended(loop, key)[0] == "AwaitingApproval"
    await say(loop, approval(loop, key))
    assert len(loop.cluster.jobs()) == 1


async def test_a_decision_that_was_approved_outlives_a_model_that_was_away() -> None:
    loop, key = await seen(policy().scratch_approval_above(carbonGrams=0), make_model(NAME), job=job())
    decided = loop.job(key).status.decision_record
    loop.cluster.remove("ClusterBaseModel", "", NAME)
    await say(loop, approval(loop, key))
    assert suspended(loop, key)[0] == "AwaitingBaseModel"
    assert loop.job(key).status.decision_record == decided
    await say(loop, make_model(NAME).body())
    assert len(loop.cluster.jobs()) == 1


async def test_a_base_model_is_tried_meanwhile_and_only_scratch_waits() -> None:
    loop, key = await seen(job=job().mode("Auto"))
    assert loop.job(key).status.attempts[0].method == "LinearProbe"
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert suspended(loop, key)[0] == "AwaitingBaseModel"
    await say(loop, make_model(NAME).body())
    assert [one.method for one in loop.job(key).status.attempts] == ["LinearProbe", "FromScratch"]
