"""What is created for an attempt, whole as golden files and rule by rule where the rule matters."""

import json
from typing import Any

import pytest
import yaml

from attempts import ATTEMPTS, OWN_TEMPLATE, AttemptBuilder, make_attempt
from builders import make_job, make_profile
from coppice.api.attempt import AttemptRecord
from coppice.api.decision import decode_record
from coppice.api.labels import (
    ATTEMPT_ANNOTATION,
    ATTEMPT_LABEL,
    DECISION_ANNOTATION,
    JOB_NAME_LABEL,
    JOB_UID_LABEL,
    MANAGED_BY_LABEL,
    RUN_ANNOTATION,
)
from coppice.api.run import parse_run
from coppice.api.vocabulary import Evidence, Method
from coppice.workloads.security import refusals
from coppice.workloads.storage import output_uri
from goldens import golden

Manifest = dict[str, Any]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_manifests_are_as_reviewed(name: str) -> None:
    text = yaml.safe_dump_all(readable(manifest) for manifest in ATTEMPTS[name].manifests())
    assert golden(f"workloads/{name}.yaml", text) == text


def readable(manifest: Manifest) -> Manifest:
    """The manifest with its records spelt out, so that a change of one line is a change of one line."""
    shown: Manifest = json.loads(json.dumps(manifest))
    annotations = shown["metadata"].get("annotations", {})
    if DECISION_ANNOTATION in annotations:
        annotations[DECISION_ANNOTATION] = f"record {decode_record(annotations[DECISION_ANNOTATION]).digest[:13]}"
        annotations[ATTEMPT_ANNOTATION] = json.loads(annotations[ATTEMPT_ANNOTATION])
        pod = shown["spec"]["template"]["metadata"]["annotations"]
        pod[RUN_ANNOTATION] = json.loads(pod[RUN_ANNOTATION])
    for rule in shown["spec"].get("podFailurePolicy", {}).get("rules", []):
        values = rule.get("onExitCodes", {}).get("values", [])
        if len(values) > 2:
            rule["onExitCodes"]["values"] = f"{values[0]} to {values[-1]}"
    return shown


def test_failures_are_judged_in_the_order_of_the_contract() -> None:
    rules = make_attempt().child()["spec"]["podFailurePolicy"]["rules"]
    assert [(rule["action"], rule.get("onExitCodes", {}).get("values")) for rule in rules] == [
        ("Ignore", None),
        ("Ignore", [75]),
        ("FailJob", list(range(1, 128))),
        ("FailJob", [137]),
    ]
    assert rules[0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]


def test_the_decision_and_the_attempt_travel_on_the_job() -> None:
    attempt = make_attempt()
    annotations = attempt.child()["metadata"]["annotations"]
    assert decode_record(annotations[DECISION_ANNOTATION]) == attempt.record()
    assert AttemptRecord.model_validate_json(annotations[ATTEMPT_ANNOTATION]).claim_name == "models"


@pytest.mark.parametrize("name", ATTEMPTS)
def test_job_and_pods_carry_the_labels_they_are_watched_by(name: str) -> None:
    attempt = ATTEMPTS[name]
    child = attempt.child()
    for labels in (child["metadata"]["labels"], child["spec"]["template"]["metadata"]["labels"]):
        assert labels[MANAGED_BY_LABEL] == "coppice"
        assert labels[JOB_NAME_LABEL] == "newswire-topics"
        assert labels[JOB_UID_LABEL] == attempt.job.get("metadata.uid")
        assert labels[ATTEMPT_LABEL] == str(attempt.number)


def test_a_job_is_owned_and_does_not_block_its_owners_deletion() -> None:
    (owner,) = make_attempt().child()["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["controller"], owner["blockOwnerDeletion"]) == ("TrainingJob", True, False)


def test_names_fit_into_a_host_name() -> None:
    attempt = make_attempt().of(job=make_job("x" * 45), number=16, pods=256)
    assert len(f"{attempt.child()['metadata']['name']}-255") <= 63


def test_a_queued_job_starts_suspended() -> None:
    queued = make_attempt().of(job=make_job().queue("team-a")).child()
    assert queued["spec"]["suspend"] is True
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"


def test_a_job_without_a_queue_is_not_suspended() -> None:
    assert "suspend" not in make_attempt().child()["spec"]


def test_a_claim_is_made_only_where_the_job_names_none() -> None:
    made = [manifest["kind"] for manifest in make_attempt().of(job=make_job()).manifests()]
    named = [manifest["kind"] for manifest in make_attempt().manifests()]
    assert made == ["PersistentVolumeClaim", "Job"]
    assert named == ["Job"]


def test_a_claim_outlives_the_job() -> None:
    claim = make_attempt().of(job=make_job()).manifests()[0]
    assert "ownerReferences" not in claim["metadata"]
    assert claim["metadata"]["labels"][JOB_NAME_LABEL] == "newswire-topics"


def test_several_pods_get_names_and_a_rendezvous() -> None:
    service, child = ATTEMPTS["own-container-in-two-pods"].manifests()
    pod = child["spec"]["template"]["spec"]
    variables = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}
    assert service["spec"]["clusterIP"] == "None"
    assert service["metadata"]["ownerReferences"]
    assert pod["subdomain"] == service["metadata"]["name"]
    assert variables["PET_MASTER_ADDR"] == f"{child['metadata']['name']}-0.{service['metadata']['name']}"
    assert (child["spec"]["completions"], child["spec"]["parallelism"]) == (2, 2)


def test_one_pod_needs_no_rendezvous() -> None:
    (container,) = make_attempt().pod()["containers"]
    assert not [variable for variable in container["env"] if variable["name"].startswith("PET_")]


def mounts(attempt: AttemptBuilder, container: str = "trainer") -> dict[str, Manifest]:
    pod = attempt.pod()
    found = [each for each in (*pod.get("initContainers", ()), *pod["containers"]) if each["name"] == container]
    return {mount["mountPath"]: mount for mount in found[0]["volumeMounts"]}


def test_sources_are_read_only_and_the_output_is_writable() -> None:
    seen = mounts(make_attempt())
    assert seen["/coppice/claims/corpora"]["readOnly"] is True
    assert "readOnly" not in seen["/coppice/output"]
    assert seen["/coppice/run.json"]["subPath"] == "run.json"


def test_the_fetch_step_cannot_write_the_output() -> None:
    assert "/coppice/output" not in mounts(make_attempt(), "fetch")


def test_a_claim_that_is_read_and_written_is_one_volume() -> None:
    attempt = make_attempt().of(job=make_job().set("spec.output.claimName", "corpora"))
    claims = [volume for volume in attempt.pod()["volumes"] if "persistentVolumeClaim" in volume]
    assert len(claims) == 1
    assert mounts(attempt)["/coppice/claims/corpora"]["readOnly"] is True


def test_a_base_models_claim_is_mounted() -> None:
    assert "/coppice/claims/models" in mounts(ATTEMPTS["queued-fine-tune-on-four-gpus"], "fetch")


def test_an_accelerator_is_asked_for_by_the_profiles_name() -> None:
    profile = make_profile("mi300").accelerator(resourceName="amd.com/gpu")
    (container,) = make_attempt().of(profile=profile, accelerators=4).pod()["containers"]
    assert container["resources"]["limits"]["amd.com/gpu"] == "4"
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_the_record_counts_the_accelerators_of_all_pods() -> None:
    attempt = make_attempt().of(profile=make_profile("h100").accelerator(), accelerators=2, pods=2)
    record = AttemptRecord.model_validate_json(attempt.child()["metadata"]["annotations"][ATTEMPT_ANNOTATION])
    assert record.accelerators == 4


def test_a_pod_lands_where_its_profile_is() -> None:
    profile = make_profile().set("spec.nodeSelector", {"pool": "green"})
    assert make_attempt().of(profile=profile).pod()["nodeSelector"] == {"pool": "green"}


def test_a_private_authority_is_trusted_by_the_fetch_step() -> None:
    attempt = ATTEMPTS["queued-fine-tune-on-four-gpus"]
    run = parse_run(attempt.child()["spec"]["template"]["metadata"]["annotations"][RUN_ANNOTATION])
    assert run.fetch.ca_bundle == "/coppice/authority/ca.crt"
    assert "/coppice/authority" in mounts(attempt, "fetch")
    assert "/coppice/authority" not in mounts(attempt)


def test_a_base_model_that_is_gone_is_said_by_name() -> None:
    gone = make_attempt().of(base=make_attempt().base, method=Method.LORA)
    with pytest.raises(LookupError, match="ClusterBaseModel other is gone"):
        _without_models(gone)


def _without_models(attempt: AttemptBuilder) -> None:
    class Elsewhere(type(attempt)):  # type: ignore[misc]
        def candidate(self) -> Any:
            found = super().candidate()
            other = found.base_model.model_copy(update={"name": "other"})
            return found.model_copy(update={"base_model": other})

    Elsewhere(**{name: getattr(attempt, name) for name in attempt.__dataclass_fields__}).manifests()


# A user's own container and template


def test_an_own_container_stands_in_the_trainers_place_after_the_fetch_step() -> None:
    pod = ATTEMPTS["own-container-in-two-pods"].pod()
    (container,) = pod["containers"]
    assert (container["name"], container["image"], container["command"]) == (
        "trainer",
        "registry.example/ours:2",
        ["/train"],
    )
    assert [each["name"] for each in pod["initContainers"]] == ["fetch"]


def test_an_own_containers_environment_wins() -> None:
    (container,) = ATTEMPTS["own-container-in-two-pods"].pod()["containers"]
    values = [variable["value"] for variable in container["env"] if variable["name"] == "HF_HUB_OFFLINE"]
    assert values == ["0"]


def test_fine_tuning_rungs_use_the_built_in_trainer_beside_an_own_container() -> None:
    job = ATTEMPTS["own-container-in-two-pods"].job
    (container,) = make_attempt().of(job=job, evidence=Evidence.EVALUATED).pod()["containers"]
    assert container["image"] == "registry.example/coppice-trainer:1"


def test_a_template_is_run_as_it_is() -> None:
    pod = ATTEMPTS["own-template"].pod()
    own = OWN_TEMPLATE["spec"]
    for key in ("serviceAccountName", "nodeSelector"):
        assert pod[key] == own[key]
    assert "initContainers" not in pod
    assert pod["containers"][0]["resources"] == own["containers"][0]["resources"]


def test_a_template_gets_what_the_contract_adds() -> None:
    template = ATTEMPTS["own-template"].child()["spec"]["template"]
    assert template["metadata"]["labels"]["team"] == "a"
    assert template["metadata"]["labels"]["coppice.dev/attempt"] == "1"
    assert parse_run(template["metadata"]["annotations"][RUN_ANNOTATION]).attempt == 1
    assert {"/scratch", "/coppice/run.json", "/coppice/output"} <= set(mounts(ATTEMPTS["own-template"]))
    assert "volumeMounts" not in template["spec"]["containers"][1]


def test_a_templates_variables_win() -> None:
    container = ATTEMPTS["own-template"].pod()["containers"][0]
    assert [each for each in container["env"] if each["name"] == "POD_UID"] == [{"name": "POD_UID", "value": "mine"}]


def test_a_templates_silence_is_filled_with_the_restricted_profile() -> None:
    pod = ATTEMPTS["own-template"].pod()
    assert pod["securityContext"]["fsGroup"] == 1000
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert "runAsUser" not in pod["securityContext"]
    assert all(each["securityContext"]["allowPrivilegeEscalation"] is False for each in pod["containers"])
    assert pod["automountServiceAccountToken"] is False


def test_a_setting_of_null_in_a_template_does_not_undo_the_profile() -> None:
    nulls = {"securityContext": {"runAsNonRoot": None}, "automountServiceAccountToken": None}
    job = ATTEMPTS["own-template"].job.update("spec.trainer.template.spec", nulls)
    pod = ATTEMPTS["own-template"].of(job=job).pod()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False


def test_a_templates_requests_are_what_is_recorded() -> None:
    annotations = ATTEMPTS["own-template"].child()["metadata"]["annotations"]
    record = AttemptRecord.model_validate_json(annotations[ATTEMPT_ANNOTATION])
    assert (str(record.cpu_cores), record.memory_bytes, record.accelerators) == ("2.5", 3 * 2**30, 1)


def test_making_manifests_leaves_the_job_as_it_was() -> None:
    attempt = ATTEMPTS["own-template"]
    job = attempt.job.build()
    before = job.model_dump_json()
    attempt.manifests()
    assert job.model_dump_json() == before


# Pod Security


@pytest.mark.parametrize("name", ATTEMPTS)
def test_every_pod_is_restricted(name: str) -> None:
    pod = ATTEMPTS[name].pod()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert isinstance(pod["securityContext"]["fsGroup"], int)
    assert pod["automountServiceAccountToken"] is False
    assert pod["restartPolicy"] == "Never"
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]


def test_our_own_containers_have_a_read_only_root() -> None:
    pod = make_attempt().pod()
    assert all(
        each["securityContext"]["readOnlyRootFilesystem"] for each in (*pod["initContainers"], *pod["containers"])
    )
    assert isinstance(pod["securityContext"]["runAsUser"], int)


@pytest.mark.parametrize("name", ATTEMPTS)
def test_our_pods_break_no_rule_but_the_contracts_own_place(name: str) -> None:
    from coppice.api.trainingpolicy import PodExceptions

    broken = refusals({"spec": ATTEMPTS[name].pod()}, PodExceptions())
    assert [sentence for sentence in broken if "/coppice" not in sentence] == []


def test_the_place_of_an_attempts_model_is_a_claims_path() -> None:
    attempt = ATTEMPTS["queued-fine-tune-on-four-gpus"]
    record = AttemptRecord.model_validate_json(attempt.child()["metadata"]["annotations"][ATTEMPT_ANNOTATION])
    uid5 = attempt.job.get("metadata.uid").replace("-", "")[:5]
    assert output_uri(attempt.job.build(), record) == f"pvc://corpora/out/topics/{uid5}-3"
