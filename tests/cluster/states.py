"""A job in every state of its life, each held there until a test has done to it what it is about.

Where a state lasts no longer than a moment, an admission policy of the test's own refuses the write that would end
it: that is how an operator can be killed between a job's report and the status that tells of it.
"""

from __future__ import annotations

from cluster.api import ApiError, Body
from cluster.stage import Life, Stage, probe_job

HOLD = {"hold-status": "yes"}
"""Label of a job whose status nobody can write."""

GOOD, BAD = "0.957", "0.90"
BEFORE_A_CHILD = ("suspended-from-the-start", "refused")
"""States of a life that has spent nothing yet."""


def forbid_status(stage: Stage) -> None:
    """Refuse every status of a job with the label, from now on."""
    name = f"hold-status-{stage.home}"
    rule = {"apiGroups": ["coppice.dev"], "apiVersions": ["*"], "operations": ["UPDATE"]}
    rule["resources"] = ["trainingjobs/status"]
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    spec: Body = {"matchConstraints": {"resourceRules": [rule], "objectSelector": {"matchLabels": HOLD}}}
    spec["validations"] = [{"expression": "false", "message": "held by the test"}]
    stage.add({**group, "kind": "ValidatingAdmissionPolicy", "spec": spec})
    binding = {"policyName": name, "validationActions": ["Deny"]}
    stage.add({**group, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})
    # Tried where the operator-only policy of the stage does not hold, so that this one is what refuses.
    trial = stage.apply(probe_job("trial", "default").suspended().label(**HOLD).set("spec.managedBy", "test.io/x"))

    def refused() -> bool:
        try:
            stage.api.patch("TrainingJob", trial.namespace, trial.name, {"status": {"observedGeneration": 1}}, "status")
        except ApiError as error:
            return "held by the test" in str(error)
        return False

    stage.until(refused, lambda: "the policy to hold")
    trial.delete()


def in_every_state(stage: Stage) -> dict[str, Life]:
    """One job in each state, by the state's name; all in one namespace."""
    tenant = stage.tenant()
    lives = {name: stage.apply(probe_job(name, tenant)) for name in ("running", "judged", "suspended", "finishing")}
    stage.node.script(tenant, "finished", GOOD)
    stage.node.script(tenant, "next-rung", BAD)
    stage.node.hold(tenant, "starting")
    for name in ("finished", "next-rung", "starting"):
        lives[name] = stage.apply(probe_job(name, tenant))
    lives["unwritten"] = stage.apply(probe_job("unwritten", tenant).label(**HOLD))
    late = probe_job("unschedulable", tenant).set("spec.output", {"claimName": "late"})
    lives["unschedulable"] = stage.apply(late)
    lives["suspended-from-the-start"] = stage.apply(probe_job("suspended-from-the-start", tenant).suspended())
    _arrive(stage, lives)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota", "namespace": tenant}}
    stage.api.create({**quota, "spec": {"hard": {"count/jobs.batch": "0"}}})
    lives["refused"] = stage.apply(probe_job("refused", tenant)).until_state("CreateRefused")
    return lives


def _arrive(stage: Stage, lives: dict[str, Life]) -> None:
    """Wait until each job is in its state."""
    for name in ("running", "judged", "suspended", "finishing"):
        lives[name].until_state("Running")
    lives["suspended"].edit(suspend=True)
    finishing = lives["finishing"]
    stage.api.patch("TrainingJob", finishing.namespace, finishing.name, {"metadata": {"labels": HOLD}})
    stage.node.script(finishing.namespace, finishing.name, GOOD)
    stage.until(finishing.reports, lambda: f"the report of {finishing}")
    lives["finished"].until_accounted()
    stage.until(lambda: len(lives["next-rung"].children()) == 2, lambda: "the second rung")
    lives["next-rung"].until_state("Running")
    stage.until(lambda: any(bound(pod) for pod in lives["starting"].pods()), lambda: "a bound pod")
    lives["starting"].until_state("Starting")
    stage.until(lives["unwritten"].pods, lambda: "the child of a job without a status")
    lives["unschedulable"].until_state("Unschedulable")
    lives["suspended-from-the-start"].until_state("Suspended")
    lives["suspended"].until_state("Suspended")


def while_nobody_looks(stage: Stage, lives: dict[str, Life]) -> None:
    """What happens to the jobs in the operator's absence."""
    tenant = lives["judged"].namespace
    stage.node.script(tenant, "judged", GOOD)
    stage.node.script(tenant, "unwritten", GOOD)
    stage.node.script(tenant, "starting", GOOD)
    stage.node.let_go(tenant, "starting")
    for name in ("judged", "unwritten", "starting"):
        stage.until(lambda name=name: complete(lives[name]), lambda name=name: f"the child of {name} to complete")
    for name in ("unwritten", "finishing"):
        stage.api.patch("TrainingJob", tenant, name, {"metadata": {"labels": dict.fromkeys(HOLD)}})
    stage.claim(tenant, "late")
    stage.api.delete("ResourceQuota", tenant, "quota")


def let_them_end(stage: Stage, lives: dict[str, Life]) -> None:
    """Every job that is still held goes on, to a good end."""
    tenant = lives["running"].namespace
    for name in ("suspended", "suspended-from-the-start"):
        lives[name].edit(suspend=False)
    for name in ("running", "suspended", "suspended-from-the-start", "unschedulable", "refused"):
        stage.node.script(tenant, name, GOOD)
    stage.node.script(tenant, "next-rung", BAD, GOOD)


def complete(life: Life) -> bool:
    """Whether the batch engine has declared the job's child Complete."""
    conditions = [one for child in life.children() for one in child.get("status", {}).get("conditions", ())]
    return any(one["type"] == "Complete" and one["status"] == "True" for one in conditions)


def bound(pod: Body) -> bool:
    return bool(pod["spec"].get("nodeName"))
