"""The demo's manifests are what a user applies: they must be valid, ordered, and tell the story they claim to tell."""

import pytest

from coppice.accounting.control import fingerprint
from coppice.api.basemodel import BaseModelObject
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingpolicy import TrainingPolicy
from coppice.api.vocabulary import Method, Mode
from demo.manifests import LADDER, NAMESPACE, Manifest, ground, jobs, manifests
from devcluster.errors import DevClusterError

KINDS = {"TrainingJob": TrainingJob, "BaseModel": BaseModelObject, "TrainingPolicy": TrainingPolicy}


def job(name: str) -> TrainingJob:
    found = jobs([name])[0].job
    assert found is not None
    return found


def every_manifest() -> tuple[Manifest, ...]:
    return (*manifests(), *manifests(LADDER))


def objects(kind: str) -> list[dict]:
    return [item for manifest in every_manifest() for item in manifest.objects if item["kind"] == kind]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_field_of_a_manifest_is_known_to_its_kind(kind: str) -> None:
    for body in objects(kind):
        model = KINDS[kind].model_validate(body)
        assert _names(model.wire()["spec"]) >= _names(body["spec"]), body["metadata"]["name"]


def test_everything_namespaced_lies_in_the_demo_s_own_namespace() -> None:
    cluster_wide = {"Namespace", "TrainingPolicy"}
    found = [item for manifest in every_manifest() for item in manifest.objects if item["kind"] not in cluster_wide]
    assert {item["metadata"]["namespace"] for item in found} == {NAMESPACE}


def test_the_policy_selects_the_demo_s_namespace_and_no_other() -> None:
    policy = TrainingPolicy.model_validate(objects("TrainingPolicy")[0])
    assert policy.spec.namespace_selector.match_labels == {"kubernetes.io/metadata.name": NAMESPACE}


def test_the_control_differs_from_its_job_in_mode_alone() -> None:
    control, main = job("newswire-topics-control"), job("newswire-topics")
    assert fingerprint(control.spec) == fingerprint(main.spec)
    assert control.spec.substitution is not None
    assert control.spec.substitution.mode is Mode.NEVER
    left_out = {"substitution", "output"}
    assert control.spec.model_dump(exclude=left_out) == main.spec.model_dump(exclude=left_out)


def test_the_control_runs_before_its_job_and_the_low_digits_before_the_high() -> None:
    order = [manifest.job.metadata.name for manifest in jobs() if manifest.job]
    assert order.index("newswire-topics-control") < order.index("newswire-topics")
    assert order.index("digits-low") < order.index("digits-high")


def test_jobs_read_and_write_only_the_claims_that_the_demo_makes() -> None:
    claims = {item["metadata"]["name"] for item in objects("PersistentVolumeClaim")}
    for manifest in (*jobs(), *jobs(directory=LADDER)):
        assert manifest.job is not None
        spec = manifest.job.spec
        uris = (spec.dataset.uri, spec.dataset.evaluation_uri or "")
        assert {uri.removeprefix("pvc://").split("/")[0] for uri in uris} <= claims
        assert spec.output is not None
        assert spec.output.claim_name in claims


def test_no_base_model_is_forced_on_the_jobs_that_may_substitute() -> None:
    for name in ("newswire-topics", "digits-low", "digits-high"):
        substitution = job(name).spec.substitution
        assert substitution is None or not substitution.base_models


def test_the_base_model_has_a_digest_for_every_file() -> None:
    model = BaseModelObject.model_validate(objects("BaseModel")[0])
    assert all(file.digest for file in model.spec.source.files)
    assert Method.LINEAR_PROBE in model.spec.methods


def test_the_ground_is_laid_without_any_job() -> None:
    kinds = {item["kind"] for manifest in ground() for item in manifest.objects}
    assert kinds == {"Namespace", "TrainingPolicy", "PersistentVolumeClaim", "BaseModel"}


def test_only_the_named_jobs_are_chosen_in_the_demo_s_order() -> None:
    chosen = jobs(["newswire-topics", "digits-high"])
    assert [manifest.job.metadata.name for manifest in chosen if manifest.job] == ["digits-high", "newswire-topics"]


def test_an_unknown_job_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(DevClusterError, match=r"no job nonsense; it has .*newswire-topics"):
        jobs(["nonsense"])


def _names(value: object, prefix: str = "") -> set[str]:
    """Every path of keys in a JSON value, free-form configurations left out."""
    if not isinstance(value, dict) or prefix.endswith(".config"):
        return {prefix}
    return {prefix} | {name for key, item in value.items() for name in _names(item, f"{prefix}.{key}")}
