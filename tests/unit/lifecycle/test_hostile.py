"""What strangers and accidents do to a job: it neither hangs nor takes over what is not its own."""

import json
from typing import Any

import pytest

from builders import make_job
from fake_cluster import copied, result_text
from loop import Loop

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}


async def started(job: Any, loop: Loop | None = None) -> tuple[Loop, Any]:
    loop = loop or Loop()
    key = loop.apply(job)
    await loop.turn()
    return loop, key


def probe(name: str = "topics") -> Any:
    return make_job(name).methods("LinearProbe").scratch(epochs=30, **PLAN).max_attempts(2)


async def test_a_name_taken_meanwhile_costs_the_registration_and_not_the_job() -> None:
    loop, first = await started(probe("one").register("classifier"))
    second = loop.apply(probe("two").register("classifier"))
    await loop.turn()
    for child in loop.cluster.jobs():
        loop.cluster.run_with_model(child, "0.957")
    await loop.turn()
    assert {loop.state(first), loop.state(second)} == {"ObjectiveMet"}
    registered = [loop.job(key).status.result.registered for key in (first, second)]
    assert sum(item is not None for item in registered) == 1
    assert "ModelNotRegistered" in {event.reason for _, event in loop.cluster.events}
    assert loop.finished_jobs() == 2


async def test_a_quality_with_all_the_digits_of_a_float_is_kept_as_the_api_server_takes_it() -> None:
    loop, key = await started(probe())
    loop.cluster.run(loop.cluster.jobs()[0], "0.9573459715639811")
    await loop.turn()
    assert str(loop.job(key).status.result.quality) == "0.957345972"


@pytest.mark.parametrize("field", ["steps", "tokensSeen", "peakMemoryBytes", "epochs", "cpuSeconds", "countedTeraflop"])
async def test_a_count_beyond_all_measure_keeps_no_status_from_being_written(field: str) -> None:
    loop, key = await started(probe())
    child = loop.cluster.jobs()[0]
    pod = loop.cluster.start_pod(child)
    said = json.loads(result_text(child, pod, "0.957")) | {field: 10**30}
    loop.cluster.end_pod(pod, message=json.dumps(said))
    loop.cluster.end_job(child, "Complete")
    await loop.turn()
    assert loop.job(key).status.attempts[0].outcome in {"Met", "NoResult"}


async def test_a_rung_that_is_killed_twice_is_given_up() -> None:
    loop, key = await started(probe().max_attempts(8))
    for _ in range(2):
        loop.cluster.fail(loop.cluster.jobs()[-1], exit_code=137)
        await loop.turn()
    methods = [attempt.method for attempt in loop.job(key).status.attempts]
    assert methods == ["LinearProbe", "LinearProbe", "FromScratch"]


@pytest.mark.parametrize("kind", ["Job", "Pod"])
async def test_what_only_carries_our_labels_is_not_taken_for_ours(kind: str) -> None:
    loop, key = await started(probe())
    child = loop.cluster.jobs()[0]
    pod = loop.cluster.start_pod(child)
    forged = copied(child if kind == "Job" else pod)
    forged["metadata"] |= {"name": "forged", "namespace": "attacker"}
    forged["metadata"]["ownerReferences"] = []
    forged["metadata"].pop("annotations")
    stored = loop.cluster.add(forged)
    if kind == "Pod":
        loop.cluster.end_pod(stored, message=result_text(child, stored, "0.99"))
    await loop.turn()
    loop.cluster.end_pod(pod, message=result_text(child, pod, "0.91"))
    loop.cluster.end_job(child, "Complete")
    await loop.turn()
    assert [str(item.quality) for item in loop.job(key).status.attempts][:1] == ["0.91"]


async def test_a_pod_lost_with_its_node_has_used_energy_until_it_was_taken_away() -> None:
    loop, key = await started(probe().max_attempts(1).no_scratch())
    child = loop.cluster.jobs()[0]
    pod = loop.cluster.start_pod(child)
    await loop.turn()
    loop.clock.advance(3600)
    stamp = loop.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    lost = {"type": "DisruptionTarget", "status": "True", "lastTransitionTime": stamp, "reason": "DeletionByPodGC"}
    pod["status"]["conditions"].append(lost)
    pod["status"]["phase"] = "Failed"
    loop.cluster.touch(pod)
    loop.cluster.end_job(child, "Failed")
    loop.clock.advance(61)
    await loop.turn()
    [attempt] = loop.job(key).status.attempts
    assert attempt.run_seconds == 3600
    assert attempt.energy_joules > 0


async def test_a_base_model_deleted_during_the_run_leaves_its_licence_on_the_result() -> None:
    loop, key = await started(probe().register("classifier"))
    loop.cluster.remove("ClusterBaseModel", "", "all-minilm-l6-v2")
    loop.cluster.run_with_model(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    result = loop.job(key).status.result
    assert "Apache-2.0".lower() in result.license.lower()
    assert result.registered is None


async def test_limits_are_those_the_decision_was_made_within() -> None:
    loop, key = await started(probe().limits(runSeconds=100000))
    child = loop.cluster.jobs()[0]
    loop.cluster.start_pod(child)
    await loop.turn()
    loop.cluster.edit(*key, limits={"runSeconds": 1})
    await loop.turn()
    assert child["spec"].get("suspend") is not True


async def test_a_finished_job_stays_finished_for_an_operator_that_cannot_read_it() -> None:
    loop, key = await started(probe())
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    loop.cluster.objects[tuple(key)]["spec"]["objective"]["metric"] = "FromTheFuture"
    before = json.dumps(loop.cluster.objects[tuple(key)]["status"])
    loop.restart()
    await loop.turn()
    assert json.dumps(loop.cluster.objects[tuple(key)]["status"]) == before


async def test_a_fault_of_the_operator_itself_stands_in_the_jobs_state(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a bug")

    loop = Loop()
    key = loop.apply(probe())
    with monkeypatch.context() as patch:
        patch.setattr("coppice.reconcile.decide", broken)
        with pytest.raises(RuntimeError):
            await loop.turn()
    assert loop.state(key) == "InvalidSpec"
    await loop.turn()
    assert loop.state(key) == "Starting"
