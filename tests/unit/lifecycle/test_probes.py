"""A probe in a job's life: made once before the ladder is decided, accounted like any attempt, never the job's end."""

import json

import pytest

from coppice.api.decision import MAX_ENCODED_BYTES, decode_record
from coppice.api.labels import DECISION_ANNOTATION, RUN_ANNOTATION
from coppice.api.run import parse_run
from coppice.api.trainingpolicy import TrainingPolicySpec
from fake_cluster import probe_text
from loop import Loop
from probes import FIRST, SECOND, dear_job, second_model

PREFERS_THE_SECOND = {FIRST.replace("-", "_"): "0.61", SECOND.replace("-", "_"): "0.97"}


async def probing(job=None, loop: Loop | None = None):
    loop = loop or Loop(second_model().body())
    key = loop.apply(job or dear_job())
    await loop.turn()
    return loop, key


def attempts(loop: Loop, key) -> list[tuple[str, str, str]]:
    """Kind, base model and outcome of each."""
    found = loop.job(key).status.attempts
    return [(one.kind, one.base_model.name if one.base_model else "-", one.outcome) for one in found]


async def test_a_probe_comes_first_and_says_so() -> None:
    loop, key = await probing()
    [child] = loop.cluster.jobs()
    record = decode_record(child["metadata"]["annotations"][DECISION_ANNOTATION])
    assert record.probe is not None
    run = parse_run(child["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION])
    assert (run.kind, [rung.base_model.name for rung in run.rungs if rung.base_model]) == ("Probe", [FIRST, SECOND])
    assert (run.probe.examples, run.probe.held_out) == (512, 512) if run.probe else False
    job = loop.job(key)
    assert job.status.decision.probe.base_models == list(record.probe.base_models)
    assert attempts(loop, key) == [("Probe", "-", "Running")]
    assert job.status.summary.attempts == "0/3"


async def test_what_it_saw_decides_the_ladder_and_stays_in_the_status() -> None:
    loop, key = await probing()
    before = loop.job(key).status.decision
    assert before.base_model.name == FIRST
    loop.cluster.probe(loop.cluster.jobs()[0], **PREFERS_THE_SECOND)
    await loop.turn()
    status = loop.job(key).status
    assert attempts(loop, key) == [("Probe", "-", "Probed"), ("Train", SECOND, "Running")]
    assert [str(one.linear_quality) for one in status.attempts[0].probed] == ["0.61", "0.97"]
    assert status.decision.probe is None
    assert status.decision.digest != before.digest
    loop.cluster.run_with_model(loop.cluster.jobs()[1], "0.957")
    await loop.turn()
    assert loop.state(key) == "ObjectiveMet"
    assert status.attempts[0].energy_joules > 0
    total = loop.job(key).status.totals
    assert total.energy_joules >= sum(one.energy_joules for one in loop.job(key).status.attempts) * 99 / 100


async def test_what_it_saw_survives_a_restart_and_a_vanished_pod() -> None:
    loop, _ = await probing()
    loop.cluster.probe(loop.cluster.jobs()[0], **PREFERS_THE_SECOND)
    await loop.turn()
    loop.cluster.run(loop.cluster.jobs()[1], "0.90")
    for kind, namespace, name in [place for place in loop.cluster.objects if place[0] == "Pod"]:
        if name.startswith(loop.cluster.jobs()[0]["metadata"]["name"]):
            loop.cluster.remove(kind, namespace, name)
    loop.restart()
    await loop.turn()
    record = decode_record(loop.cluster.jobs()[2]["metadata"]["annotations"][DECISION_ANNOTATION])
    assert [str(one.linear_quality) for one in record.probed] == ["0.61", "0.97"]


@pytest.mark.parametrize(
    "end",
    [
        lambda loop, child: loop.cluster.fail(child),
        lambda loop, child: loop.cluster.fail(child, exit_code=137, reason="OOMKilled"),
        lambda loop, child: loop.cluster.run(child, None),
        lambda loop, child: loop.cluster.probe(child, **dict.fromkeys(PREFERS_THE_SECOND)),
    ],
    ids=["its container failed", "out of memory", "no result", "no model could be loaded"],
)
async def test_a_probe_that_fails_leaves_the_ladder_to_the_priors(end) -> None:
    loop, key = await probing()
    end(loop, loop.cluster.jobs()[0])
    for _ in range(2):
        await loop.turn()
        loop.clock.advance(61)
    await loop.turn()
    assert [one[:2] for one in attempts(loop, key)] == [("Probe", "-"), ("Train", FIRST)]
    assert loop.job(key).status.attempts[0].outcome in {"Failed", "OutOfMemory", "NoResult"}
    assert loop.job(key).status.attempts[0].message
    warnings = [event for name, event in loop.cluster.events if event.warning]
    assert [event.reason for event in warnings] == ["AttemptEnded"]


async def test_one_model_that_cannot_be_loaded_does_not_lose_the_others() -> None:
    loop, key = await probing()
    loop.cluster.probe(loop.cluster.jobs()[0], **{**PREFERS_THE_SECOND, FIRST.replace("-", "_"): None})
    await loop.turn()
    record = decode_record(loop.cluster.jobs()[1]["metadata"]["annotations"][DECISION_ANNOTATION])
    moved = {one.base_model.name: "probe" in one.chance.inputs for one in record.candidates if one.base_model}
    assert moved == {FIRST: False, SECOND: True}
    assert attempts(loop, key)[0][2] == "Probed"
    assert "BadModel" in loop.job(key).status.attempts[0].message


async def test_a_probe_that_was_killed_from_outside_is_made_once_more() -> None:
    loop, key = await probing()
    loop.cluster.fail(loop.cluster.jobs()[0], exit_code=137)
    await loop.turn()
    assert [one[0] for one in attempts(loop, key)] == ["Probe", "Probe"]
    loop.cluster.fail(loop.cluster.jobs()[1], exit_code=137)
    await loop.turn()
    assert [one[0] for one in attempts(loop, key)] == ["Probe", "Probe", "Train"]


async def test_a_probe_is_stopped_at_a_limit_like_any_attempt() -> None:
    loop, key = await probing(dear_job().limits(runSeconds=1_000_000))
    pod = loop.cluster.start_pod(loop.cluster.jobs()[0])
    await loop.turn()
    loop.clock.advance(1_000_001)
    await loop.turn()
    assert loop.cluster.jobs()[0]["spec"]["suspend"] is True
    loop.cluster.remove("Pod", "research", pod["metadata"]["name"])
    await loop.turn()
    assert loop.state(key) == "LimitExceeded"


async def test_an_evicted_probe_goes_on_in_another_pod_and_both_are_accounted() -> None:
    loop, key = await probing()
    child = loop.cluster.jobs()[0]
    first = loop.cluster.start_pod(child)
    loop.clock.advance(100)
    await loop.turn()
    loop.cluster.remove("Pod", "research", first["metadata"]["name"])
    await loop.turn()
    second = loop.cluster.start_pod(child, suffix="b")
    loop.clock.advance(50)
    loop.cluster.end_pod(second, message=probe_text(child, second, PREFERS_THE_SECOND))
    loop.cluster.end_job(child, "Complete")
    await loop.turn()
    status = loop.job(key).status.attempts[0]
    assert (status.outcome, len(status.pods), status.run_seconds) == ("Probed", 2, 150)


async def test_a_policy_that_says_never_is_kept() -> None:
    loop, key = await probing(loop=Loop(second_model().body(), policy=TrainingPolicySpec(probe="Never")))
    assert attempts(loop, key) == [("Train", FIRST, "Running")]


async def test_a_job_with_nothing_left_after_its_probe_ends_for_its_own_reason() -> None:
    loop, key = await probing(dear_job().mode("Require"))
    assert attempts(loop, key) == [("Probe", "-", "Running")]
    loop.cluster.fail(loop.cluster.jobs()[0])
    for name in (FIRST, SECOND):
        loop.cluster.remove("ClusterBaseModel", "", name)
    await loop.turn()
    assert loop.state(key) == "NoBaseModelFits"
    assert loop.job(key).status.totals.energy_joules > 0


async def test_a_probe_counts_in_what_was_spent_on_substitution() -> None:
    loop, key = await probing()
    loop.cluster.probe(loop.cluster.jobs()[0], **dict.fromkeys(PREFERS_THE_SECOND, "0.30"))
    await loop.turn()
    while loop.state(key) != "ObjectiveMet":
        last = loop.job(key).status.attempts[-1]
        assert last.number <= 4
        loop.cluster.run(loop.cluster.jobs()[-1], "0.957" if last.method == "FromScratch" else "0.10")
        await loop.turn()
    assert loop.state(key) == "ObjectiveMet"
    avoided = loop.job(key).status.totals.avoided
    assert avoided is not None
    assert avoided.high < 0


@pytest.mark.thorough
async def test_the_status_of_a_long_life_leaves_room_for_a_record_that_waits_within_sixteen_kibibytes() -> None:
    loop, key = await probing(dear_job().max_attempts(3))
    loop.cluster.probe(loop.cluster.jobs()[-1], **PREFERS_THE_SECOND)
    await loop.turn()
    for quality in ("0.90", "0.91", "0.957"):
        loop.cluster.run_with_model(loop.cluster.jobs()[-1], quality)
        await loop.turn()
    status = loop.cluster.objects[tuple(key)]["status"]
    assert len(status["attempts"]) == 4
    assert len(json.dumps(status, separators=(",", ":"))) <= 16 * 1024 - MAX_ENCODED_BYTES
