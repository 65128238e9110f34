"""Whole lives on the real API server: what a user sees of a job from `kubectl apply` to its report."""

from __future__ import annotations

import subprocess
from typing import Any

from builders import make_model, make_policy
from cluster.api import ApiError, Body
from cluster.pods import End
from cluster.stage import Life, Stage, probe_job
from coppice.api.decision import decode_record
from coppice.api.labels import DECISION_ANNOTATION
from devcluster.programs import build
from devcluster.progress import Progress


def reasons_told(stage: Stage, life: Life) -> set[str]:
    """Reasons of the events about a job."""
    events = stage.api.list("Event", life.namespace)
    return {event["reason"] for event in events if event["regarding"].get("uid") == life.uid}


def waits_for_finished(stage: Stage, life: Life) -> subprocess.Popen[str]:
    """What a user's script does."""
    plane = stage.control_plane
    command = [str(plane.tools.program("kubectl")), "wait", "--for=condition=Finished", f"trainingjob/{life.name}"]
    command += ["-n", life.namespace, "--timeout=300s"]
    return subprocess.Popen(command, env=plane.environment, stdout=subprocess.PIPE, text=True)


def test_a_job_is_decided_run_judged_tried_again_finished_and_accounted(stage: Stage) -> None:
    tenant = stage.tenant()
    life = stage.apply(probe_job("newswire", tenant))
    waiting = waits_for_finished(stage, life)
    life.until_state("Running")
    assert life.condition("Running")["status"] == "True"
    assert life.status["decision"]["method"] == "LinearProbe"
    stage.node.script(tenant, "newswire", "0.90", "0.957")
    life.until_accounted()
    assert "condition met" in waiting.communicate(timeout=60)[0]
    status = life.status
    assert (life.state, life.condition("Finished")["status"]) == ("ObjectiveMet", "True")
    attempts = [(one["method"], one["outcome"]) for one in status["attempts"]]
    assert attempts == [("LinearProbe", "Missed"), ("FromScratch", "Met")]
    children = [child["metadata"]["name"] for child in life.children()]
    assert children == [one["child"]["name"] for one in status["attempts"]]
    assert status["result"]["quality"] == "0.957"
    assert float(status["totals"]["energyJoules"]) > 0
    [report] = life.reports()
    assert report["spec"]["totals"] == status["totals"]
    assert stage.until_books_closed(tenant, 1) == {"ObjectiveMet": 1}
    told = {"Decided", "AttemptStarted", "AttemptEnded", "NextRung", "Finished", "Accounted"}
    stage.until(lambda: told <= reasons_told(stage, life), lambda: f"{told} of {reasons_told(stage, life)}")
    counted = f'coppice_namespace_trainingjobs_finished_total{{method="FromScratch",namespace="{tenant}"'
    stage.until(lambda: counted in stage.operator.metrics(), lambda: f"{counted} at /metrics")
    written, at_home = stage.written(tenant), stage.written(stage.home)
    assert at_home["create/trainingledgers"] + at_home["update/trainingledgers"] == 3, "opened, settled, pruned"
    assert (written["create/jobs"], written["create/trainingreports"]) == (2, 1)
    assert written["patch/trainingjobs/status"] <= 5, "each attempt starts and runs, and the job ends"


def test_a_child_carries_the_decision_before_any_pod_exists(stage: Stage) -> None:
    tenant = stage.tenant()
    stage.add(quota(tenant, pods="0"))
    life = stage.apply(probe_job("podless", tenant)).until_state("PodBlocked")
    [child] = life.children()
    assert life.pods() == []
    record = decode_record(child["metadata"]["annotations"][DECISION_ANNOTATION])
    assert record.digest == life.status["decision"]["digest"]
    assert f"kubectl describe job {child['metadata']['name']}" in life.message
    stage.api.delete("ResourceQuota", tenant, "quota")
    stage.node.script(tenant, "podless", "0.957")
    life.until_state("ObjectiveMet")


def test_jobs_that_are_stopped_refused_or_disturbed_say_so_and_the_others_go_on(stage: Stage) -> None:
    tenant = stage.tenant()
    suspended = stage.apply(probe_job("suspended", tenant).suspended())
    limited = probe_job("limited", tenant).limits(runSeconds=100_000)
    stage.node.backdate(tenant, "limited", 100_001)
    over = stage.apply(limited)
    orphaned = stage.apply(probe_job("orphaned", tenant))
    refused = stage.apply(probe_job("refused", tenant).template(hostNetwork=True).set("spec.trainer.container", None))
    evicted = stage.apply(probe_job("evicted", tenant))
    failing = stage.apply(probe_job("failing", tenant))
    stage.node.script(tenant, "failing", End(exit_code=1), End(exit_code=137, reason="OOMKilled"))

    suspended.until_state("Suspended")
    assert suspended.condition("Suspended")["reason"] == "UserSuspended"
    assert suspended.children() == []
    over.until_accounted()
    assert over.state == "LimitExceeded"
    assert float(over.status["totals"]["energyJoules"]) > 0
    orphaned.until_state("Running")
    stage.api.delete("Job", tenant, orphaned.children()[0]["metadata"]["name"])
    orphaned.until_state("ChildDeleted")
    assert [child for child in orphaned.children() if "deletionTimestamp" not in child["metadata"]] == []
    evicted.until_state("Running")
    [pod] = evicted.pods()
    stage.api.delete("Pod", tenant, pod["metadata"]["name"])
    uid = pod["metadata"]["uid"]
    stage.until(lambda: [one for one in evicted.pods() if one["metadata"]["uid"] != uid], lambda: "the next pod")
    stage.node.script(tenant, "evicted", "0.957")
    evicted.until_accounted()
    assert [(one["outcome"], len(one["pods"])) for one in evicted.status["attempts"]] == [("Met", 2)]
    refused.until_state("PodRefused")
    assert "hostNetwork" in refused.message
    failing.until_accounted()
    assert [one["outcome"] for one in failing.status["attempts"]] == ["Failed", "OutOfMemory"]
    suspended.edit(suspend=False)
    stage.node.script(tenant, "suspended", "0.957")
    suspended.until_state("ObjectiveMet")


def test_suspending_a_running_job_stops_its_pod_and_resuming_goes_on_with_the_same_child(stage: Stage) -> None:
    tenant = stage.tenant()
    life = stage.apply(probe_job("paused", tenant)).until_state("Running")
    [child] = life.children()
    life.edit(suspend=True)
    life.until_state("Suspended")
    stage.until(lambda: life.pods() == [], lambda: "the pod to go")
    life.edit(suspend=False)
    life.until_state("Running")
    stage.node.script(tenant, "paused", "0.957")
    life.until_accounted()
    assert [one["metadata"]["uid"] for one in life.children()] == [child["metadata"]["uid"]]
    [attempt] = life.status["attempts"]
    assert (attempt["outcome"], len(attempt["pods"])) == ("Met", 2)


def test_what_refuses_a_child_stands_in_a_condition_and_is_tried_again(stage: Stage) -> None:
    tenant = stage.tenant()
    stage.add(quota(tenant, **{"count/jobs.batch": "0"}))
    counted = stage.apply(probe_job("counted", tenant)).until_state("CreateRefused")
    assert "exceeded quota" in counted.message
    other = stage.tenant()
    squatted = stage.apply(probe_job("squatted", other).suspended()).until_state("Suspended")
    squatter = f"squatted-{squatted.uid.replace('-', '')[:5]}-1"
    stage.api.create(foreign_job(other, squatter))
    squatted.edit(suspend=False)
    squatted.until_state("ChildConflict")
    assert squatter in squatted.message
    stage.api.delete("ResourceQuota", tenant, "quota")
    stage.api.delete("Job", other, squatter)
    for life in (counted, squatted):
        stage.node.script(life.namespace, life.name, "0.957")
        life.until_state("ObjectiveMet")
    assert stage.until_books_closed(tenant, 1) == {"ObjectiveMet": 1}


def test_a_base_model_whose_claim_is_gone_is_not_ready(stage: Stage) -> None:
    tenant = stage.tenant()
    stage.api.create(make_model("ours").namespaced(tenant).source("pvc://weights/minilm").body())

    def ready() -> tuple[str, str]:
        conditions = (stage.api.get("BaseModel", tenant, "ours") or {}).get("status", {}).get("conditions", [])
        return next(((one["status"], one["reason"]) for one in conditions if one["type"] == "Ready"), ("", ""))

    stage.until(lambda: ready() == ("False", "SourceMissing"), lambda: f"no claim, no model: {ready()}")
    claim: Body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": "weights", "namespace": tenant}
    stage.api.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim})
    stage.until(lambda: ready() == ("True", "Ready"), lambda: f"the claim is there: {ready()}")
    stage.api.delete("PersistentVolumeClaim", tenant, "weights")
    stage.until(lambda: ready() == ("False", "SourceMissing"), lambda: f"the claim is gone: {ready()}")


def test_a_wait_for_acknowledgement_is_frozen_over_a_restart(stage: Stage) -> None:
    limitation = "Knows English newswire of 1987 only."
    tenant = stage.tenant(careful="yes")
    stage.add(make_policy("careful").selecting(careful="yes").require_acknowledgement().body())
    biased = make_model("biased").namespaced(tenant).limitations(limitation)
    stage.api.create(biased.body())
    life = stage.apply(probe_job("careful", tenant).base_models("biased", kind="BaseModel")).until_state("Suspended")
    assert life.condition("Suspended")["reason"] == "AwaitingAcknowledgement"
    assert limitation in life.message
    waiting = life.status
    stage.operator.terminate()
    stage.api.create(make_model("better").namespaced(tenant).evaluation("text-classification", "0.99").body())
    stage.restart()
    life.edit(acknowledge=[limitation, *obligations(waiting)])
    life.until_state("Running")
    [child] = life.children()
    record = decode_record(child["metadata"]["annotations"][DECISION_ANNOTATION])
    assert record.digest == waiting["decision"]["digest"]
    assert life.status.get("decisionRecord", "") == "", "the child carries it from now on"


def test_an_unreadable_job_says_so_and_the_others_go_on(stage: Stage, kinds: None) -> None:
    tenant = stage.tenant()
    name = "trainingjobs.coppice.dev"
    whole = stage.api.get("CustomResourceDefinition", None, name)
    assert whole is not None
    loose: Body = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    versions = [{**one, "schema": {"openAPIV3Schema": loose}} for one in whole["spec"]["versions"]]
    stage.api.patch("CustomResourceDefinition", None, name, {"spec": {"versions": versions}})
    odd = probe_job("odd", tenant).set("spec.maxAttempts", "many")
    try:
        made: list[Life] = []
        stage.until(lambda: made.extend(accepted(stage, odd)) or made, lambda: "the loose schema to be served")
        made[0].until_state("InvalidSpec")
        assert "maxAttempts" in made[0].message
        made[0].delete()
    finally:
        stage.api.patch("CustomResourceDefinition", None, name, {"spec": {"versions": whole["spec"]["versions"]}})
    stage.node.script(tenant, "even", "0.957")
    stage.apply(probe_job("even", tenant)).until_state("ObjectiveMet")


def test_promtool_has_nothing_against_what_prometheus_gets(stage: Stage) -> None:
    tenant = stage.tenant()
    stage.node.script(tenant, "scraped", "0.957")
    stage.apply(probe_job("scraped", tenant)).until_accounted()
    shown = stage.operator.metrics()
    assert all(
        f"{family}{{" in shown for family in ("coppice_trainingjob_energy_joules", "coppice_namespace_cost_total")
    )
    promtool = build(("promtool",), Progress()).program("promtool")
    command = (promtool, "check", "metrics")
    answer = subprocess.run(command, input=shown, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


def accepted(stage: Stage, job: Any) -> list[Life]:
    """The job's life, or nothing while the API server still refuses it."""
    try:
        return [stage.apply(job)]
    except ApiError:
        return []


def obligations(status: Body) -> list[str]:
    """Everything that a waiting job's condition asks for, from its frozen decision."""
    return list(decode_record(status["decisionRecord"]).unacknowledged)


def quota(namespace: str, **hard: str) -> Body:
    metadata = {"name": "quota", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}


def foreign_job(namespace: str, name: str) -> Body:
    """Somebody else's Job, which never gets a pod."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none"}]}}
    metadata = {"name": name, "namespace": namespace}
    spec = {"suspend": True, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
