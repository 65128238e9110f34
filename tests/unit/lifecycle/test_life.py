"""A job's life, from the first sight to the closed account, played on the loop in memory."""

import pytest

from builders import make_job
from coppice.api.labels import JOB_UID_LABEL
from coppice.ports import Forbidden
from coppice.workloads.names import report_name, second_report_name
from fake_cluster import copied, result_text
from loop import Loop
from probes import dear_job, second_model


def probe_job(name: str = "newswire-topics"):
    plan = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
    return make_job(name).methods("LinearProbe").scratch(epochs=30, **plan).max_attempts(2)


async def started(job, loop: Loop | None = None):
    loop = loop or Loop()
    key = loop.apply(job)
    await loop.turn()
    return loop, key


async def test_a_decided_job_has_one_child_that_carries_its_decision_before_any_pod_exists() -> None:
    loop, key = await started(probe_job())
    [child] = loop.cluster.jobs()
    job = loop.job(key)
    assert child["metadata"]["annotations"]["coppice.dev/decision"]
    assert child["metadata"]["ownerReferences"][0]["uid"] == job.metadata.uid
    assert job.status.decision.method == "LinearProbe"
    assert loop.conditions(key)["Decided"] == "True"
    assert loop.counters.reasons == ["FineTuneSavesCarbon"]


async def test_a_met_objective_finishes_and_accounts_the_job_in_one_status_write() -> None:
    loop, key = await started(probe_job())
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    writes = len(loop.cluster.writes)
    await loop.turn()
    assert loop.cluster.writes[writes:].count("status TrainingJob") == 1
    job = loop.job(key)
    assert loop.state(key) == "ObjectiveMet"
    assert {**loop.conditions(key)} == {
        "Decided": "True",
        "Running": "False",
        "Suspended": "False",
        "Succeeded": "True",
        "Failed": "False",
        "Finished": "True",
        "Accounted": "True",
    }
    assert str(job.status.result.quality) == "0.957"
    assert job.status.totals.energy_joules > 0
    assert job.status.completion_time is not None
    assert len(loop.reports()) == 1
    assert loop.finished_jobs() == 1
    assert loop.ledger.specs["research"].entries == []


async def test_a_report_s_name_that_another_life_has_taken_keeps_no_job_from_its_end() -> None:
    loop, key = await started(probe_job())
    uid = loop.job(key).metadata.uid
    name = report_name("newswire-topics", uid)
    labels = {JOB_UID_LABEL: "another"}
    loop.cluster.add({"apiVersion": "coppice.dev/v1alpha1", "kind": "TrainingReport", "spec": {},
                      "metadata": {"name": name, "namespace": key.namespace, "labels": labels}})  # fmt: skip
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    assert loop.conditions(key)["Accounted"] == "True"
    second = ("TrainingReport", key.namespace, second_report_name("newswire-topics", uid))
    assert loop.cluster.objects[second]["spec"]["jobUid"] == uid


async def test_a_missed_rung_falls_through_to_scratch_and_then_the_job_has_missed() -> None:
    loop, key = await started(probe_job())
    loop.cluster.run(loop.cluster.jobs()[0], "0.90")
    await loop.turn()
    assert [attempt.method for attempt in loop.job(key).status.attempts] == ["LinearProbe", "FromScratch"]
    loop.cluster.run(loop.cluster.jobs()[1], "0.93")
    await loop.turn()
    assert loop.state(key) == "ObjectiveMissed"
    assert loop.conditions(key)["Failed"] == "True"
    job = loop.job(key)
    assert (job.status.result.attempt, str(job.status.result.quality)) == (2, "0.93")
    assert job.status.totals.sci is None or job.status.totals.sci.grams_per_model is None


async def test_an_accepted_miss_succeeds_with_the_best_attempt() -> None:
    loop, key = await started(probe_job().on_miss("Accept"))
    loop.cluster.run(loop.cluster.jobs()[0], "0.94")
    await loop.turn()
    loop.cluster.run(loop.cluster.jobs()[1], "0.91")
    await loop.turn()
    assert loop.state(key) == "MissedAccepted"
    assert loop.job(key).status.result.attempt == 1


async def test_an_unchanged_world_causes_no_write() -> None:
    loop, _ = await started(probe_job())
    loop.cluster.start_pod(loop.cluster.jobs()[0])
    await loop.turn()
    writes = len(loop.cluster.writes)
    for _ in range(3):
        loop.clock.advance(300)
        await loop.pass_over_all()
    assert len(loop.cluster.writes) == writes


async def test_nothing_is_written_between_the_end_of_a_pod_and_the_end_of_its_child() -> None:
    loop, key = await started(probe_job())
    child = loop.cluster.jobs()[0]
    pod = loop.cluster.start_pod(child)
    await loop.turn()
    writes = len(loop.cluster.writes)
    loop.cluster.end_pod(pod, message=result_text(child, pod, "0.957"))
    await loop.pass_over_all()
    assert loop.cluster.writes[writes:] == []
    loop.cluster.end_job(child, "Complete")
    await loop.turn()
    assert loop.state(key) == "ObjectiveMet"


async def test_a_child_that_gets_no_pod_says_where_to_look() -> None:
    loop, key = await started(probe_job())
    assert loop.state(key) == "Starting"
    loop.clock.advance(11)
    await loop.turn()
    assert loop.state(key) == "PodBlocked"
    succeeded = next(item for item in loop.job(key).status.conditions if item.type == "Succeeded")
    assert f"kubectl describe job {loop.cluster.jobs()[0]['metadata']['name']}" in succeeded.message


async def test_a_finished_job_is_final_whatever_happens_to_its_children() -> None:
    loop, key = await started(probe_job())
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    before = loop.cluster.objects[tuple(key)]["status"]
    child = loop.cluster.jobs()[0]["metadata"]
    loop.cluster.remove("Job", child["namespace"], child["name"])
    loop.restart()
    await loop.turn()
    assert loop.cluster.objects[tuple(key)]["status"] == before


@pytest.mark.parametrize("job", [probe_job, dear_job], ids=["a rung", "a probe of base models"])
async def test_suspending_stops_the_child_and_resuming_lets_the_same_child_go_on(job) -> None:
    loop, key = await started(job(), Loop(second_model().body()))
    child = loop.cluster.jobs()[0]
    pod = loop.cluster.start_pod(child)
    await loop.turn()
    loop.cluster.edit(*key, suspend=True)
    await loop.turn()
    assert child["spec"]["suspend"] is True
    loop.cluster.remove("Pod", "research", pod["metadata"]["name"])
    await loop.turn()
    assert loop.state(key) == "Suspended"
    assert loop.conditions(key)["Suspended"] == "True"
    loop.cluster.edit(*key, suspend=False)
    await loop.turn()
    assert child["spec"]["suspend"] is False
    assert len(loop.cluster.jobs()) == 1


async def test_a_job_created_suspended_gets_no_child_until_it_is_resumed() -> None:
    loop, key = await started(probe_job().suspended())
    assert loop.cluster.jobs() == []
    assert loop.state(key) == "Suspended"
    loop.cluster.edit(*key, suspend=False)
    await loop.turn()
    assert len(loop.cluster.jobs()) == 1


async def test_run_time_over_the_limit_stops_the_attempt_and_fails_the_job() -> None:
    loop, key = await started(probe_job().limits(runSeconds=100000))
    child = loop.cluster.jobs()[0]
    pod = loop.cluster.start_pod(child)
    await loop.turn()
    loop.clock.advance(100001)
    await loop.turn()
    assert child["spec"]["suspend"] is True
    loop.cluster.end_pod(pod, exit_code=75)
    await loop.turn()
    assert loop.state(key) == "LimitExceeded"
    assert loop.job(key).status.totals.energy_joules > 0


async def test_an_attempt_out_of_memory_is_not_tried_again_but_a_killed_one_is() -> None:
    loop, key = await started(probe_job().max_attempts(3))
    loop.cluster.fail(loop.cluster.jobs()[0], exit_code=137, reason="Error")
    await loop.turn()
    assert [attempt.method for attempt in loop.job(key).status.attempts] == ["LinearProbe", "LinearProbe"]
    loop.cluster.fail(loop.cluster.jobs()[1], exit_code=137, reason="OOMKilled")
    await loop.turn()
    attempts = loop.job(key).status.attempts
    assert [attempt.outcome for attempt in attempts] == ["Killed", "OutOfMemory", "Running"]
    assert attempts[2].method == "FromScratch"


async def test_a_child_deleted_by_someone_else_fails_the_job_and_is_not_made_again() -> None:
    loop, key = await started(probe_job())
    child = loop.cluster.jobs()[0]["metadata"]
    await loop.turn()
    loop.cluster.remove("Job", child["namespace"], child["name"])
    await loop.turn()
    assert loop.state(key) == "ChildDeleted"
    assert loop.cluster.jobs() == []


async def test_a_job_deleted_while_it_runs_is_settled_from_the_last_state_seen() -> None:
    loop, key = await started(probe_job())
    loop.cluster.start_pod(loop.cluster.jobs()[0])
    await loop.turn()
    loop.clock.advance(50)
    loop.cluster.remove(*key)
    await loop.turn()
    [report] = loop.reports()
    assert report["spec"]["state"] == "Deleted"
    assert float(report["spec"]["totals"]["energyJoules"]) > 0
    assert loop.finished_jobs() == 1
    assert loop.ledger.specs["research"].entries == []


async def test_a_job_whose_child_was_always_refused_leaves_nothing_in_the_books() -> None:
    loop = Loop()
    loop.cluster.refuse["Job"] = Forbidden("exceeded quota")
    _, key = await started(probe_job(), loop)
    assert loop.state(key) == "CreateRefused"
    assert len(loop.ledger.specs["research"].entries) == 1
    loop.cluster.remove(*key)
    await loop.turn()
    assert loop.ledger.specs["research"].entries == []
    assert loop.finished_jobs() == 0


async def test_a_refused_job_that_can_no_longer_be_decided_leaves_nothing_in_the_books() -> None:
    loop = Loop()
    loop.cluster.refuse["Job"] = Forbidden("exceeded quota")
    _, key = await started(probe_job(), loop)
    loop.cluster.remove("ComputeProfile", "", "cpu-generic")
    loop.restart()
    await loop.turn()
    assert loop.state(key) == "NoProfile"
    assert loop.ledger.specs["research"].entries == []
    assert loop.finished_jobs() == 0


async def test_a_deleted_job_is_settled_even_if_its_node_never_lets_its_pod_go() -> None:
    loop, key = await started(probe_job())
    child = loop.cluster.jobs()[0]["metadata"]
    pod = loop.cluster.start_pod(loop.cluster.jobs()[0])
    await loop.turn()
    stuck = copied(pod)
    loop.cluster.remove(*key)
    loop.cluster.objects["Pod", child["namespace"], pod["metadata"]["name"]] = stuck
    await loop.pass_over_all()
    assert loop.finished_jobs() == 0, "its pod may end any moment and say what it used"
    loop.clock.advance(61)
    await loop.turn()
    assert loop.finished_jobs() == 1
    assert loop.reports()[0]["spec"]["state"] == "Deleted"


async def test_a_job_deleted_while_no_operator_ran_is_settled_with_what_was_expected_of_it() -> None:
    loop, key = await started(probe_job())
    loop.cluster.remove(*key)
    loop.restart()
    await loop.turn()
    totals = loop.ledger.specs["research"].totals
    assert [(item.reason, item.jobs) for item in totals.finished] == [("Deleted", 1)]
    assert [item.grade for item in totals.energy] == ["Estimated"]
    assert totals.operational_grams > 0
    assert loop.ledger.specs["research"].entries == []


async def test_two_lives_of_one_name_leave_two_reports_and_one_ledger_with_both() -> None:
    loop, key = await started(probe_job())
    loop.cluster.run(loop.cluster.jobs()[0], "0.957")
    loop.cluster.remove(*key)
    loop.apply(probe_job())
    await loop.turn()
    loop.cluster.run(loop.cluster.jobs()[0], "0.96")
    await loop.turn()
    assert len({report["metadata"]["name"] for report in loop.reports()}) == 2
    assert loop.finished_jobs() == 2


async def test_a_registered_model_carries_lineage_licence_and_energy() -> None:
    loop, key = await started(probe_job().register("newswire-classifier"))
    loop.cluster.run_with_model(loop.cluster.jobs()[0], "0.957")
    await loop.turn()
    model = loop.cluster.objects[("BaseModel", "research", "newswire-classifier")]
    assert model["spec"]["lineage"]["job"] == "research/newswire-topics"
    assert model["spec"]["lineage"]["baseModel"]["name"] == "all-minilm-l6-v2"
    assert float(model["spec"]["lineage"]["energyJoules"]) > 0
    assert loop.job(key).status.result.registered.name == "newswire-classifier"


@pytest.mark.parametrize(
    ("waiting", "state", "part"),
    [
        ({"reason": "ImagePullBackOff", "message": "no such image"}, "PodBlocked", "ImagePullBackOff"),
        ({"reason": "CreateContainerConfigError", "message": "no claim"}, "PodBlocked", "no claim"),
    ],
)
async def test_a_pod_that_cannot_start_is_told_in_the_state(waiting: dict[str, str], state: str, part: str) -> None:
    loop, key = await started(probe_job())
    pod = loop.cluster.start_pod(loop.cluster.jobs()[0])
    pod["status"]["containerStatuses"][0]["state"] = {"waiting": waiting}
    loop.cluster.touch(pod)
    await loop.turn()
    assert loop.state(key) == state
    assert part in next(item.message for item in loop.job(key).status.conditions if item.type == "Succeeded")


async def test_another_controllers_job_is_left_alone() -> None:
    loop, key = await started(probe_job().set("spec.managedBy", "example.com/other"))
    assert loop.cluster.writes == []
    assert loop.job(key).status is None


async def test_a_base_model_seen_a_moment_after_the_job_is_still_considered() -> None:
    loop = Loop()
    model = loop.cluster.objects.pop(("ClusterBaseModel", "", "all-minilm-l6-v2"))
    key = loop.apply(probe_job().set("metadata.creationTimestamp", None))
    await loop.pass_over_all()
    assert loop.cluster.jobs() == []
    loop.cluster.objects[("ClusterBaseModel", "", "all-minilm-l6-v2")] = model
    loop.cluster.touch(model)
    await loop.turn()
    assert loop.job(key).status.decision.method == "LinearProbe"


async def test_exit_0_without_a_result_misses_a_target() -> None:
    loop, key = await started(probe_job().max_attempts(1))
    loop.cluster.run(loop.cluster.jobs()[0], None)
    loop.clock.advance(61)
    await loop.turn()
    assert loop.job(key).status.attempts[0].outcome == "NoResult"
    assert loop.state(key) == "NoResult"
