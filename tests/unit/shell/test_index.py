"""The index: news from three streams in any order, what each piece of news wakes, and what is kept of the gone."""

from typing import Any

import pytest

from builders import make_job, make_model, make_policy, make_profile, make_report
from coppice.api.labels import ATTEMPT_LABEL, JOB_NAME_LABEL, JOB_UID_LABEL
from coppice.index import Index, Key
from fake_cluster import FakeClock

Body = dict[str, Any]
JOB = Key("TrainingJob", "research", "newswire-topics")
OTHER = Key("TrainingJob", "research", "other")


@pytest.fixture
def index() -> Index:
    return Index(FakeClock())


def at(version: int, body: Body, **metadata: Any) -> Body:
    """The body at a resourceVersion."""
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version), **metadata}}


def job(version: int = 1, name: str = "newswire-topics", uid: str = "uid-1", *conditions: str) -> Body:
    """A TrainingJob with some conditions True."""
    body = at(version, make_job(name).body(), uid=uid)
    if not conditions:
        return body
    shared = {"status": "True", "reason": "X", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {**body, "status": {"conditions": [{"type": type_, **shared} for type_ in conditions]}}


def labels(job_uid: str = "uid-1") -> dict[str, str]:
    return {JOB_NAME_LABEL: "newswire-topics", JOB_UID_LABEL: job_uid, ATTEMPT_LABEL: "1"}


def child(version: int, active: int = 0, job_uid: str = "uid-1") -> Body:
    metadata = {"name": "newswire-topics-1", "namespace": "research", "uid": "child-1", "labels": labels(job_uid)}
    metadata |= {"creationTimestamp": "2026-01-01T00:00:00Z"}
    return at(version, {"kind": "Job", "metadata": metadata, "spec": {}, "status": {"active": active}})


def pod(version: int, phase: str = "Pending", uid: str = "pod-1") -> Body:
    metadata = {"name": f"newswire-topics-1-{uid}", "namespace": "research", "uid": uid, "labels": labels()}
    return at(version, {"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"phase": phase}})


def test_what_is_older_than_what_is_known_is_no_news(index: Index) -> None:
    assert index.put("TrainingJob", job(10)) == (JOB,)
    assert index.put("TrainingJob", job(9)) == ()
    assert index.put("TrainingJob", job(10)) == ()
    assert index.put("TrainingJob", job(11)) == (JOB,)


def test_versions_are_compared_as_numbers(index: Index) -> None:
    index.put("TrainingJob", job(9))
    assert index.put("TrainingJob", job(10)) == (JOB,)


def test_a_list_that_was_overtaken_by_a_deletion_brings_nothing_back(index: Index) -> None:
    index.put("TrainingJob", job(10))
    index.drop("TrainingJob", job(12))
    index.put_list("TrainingJob", [job(10)], 11)
    assert index.job(JOB) is None


def test_a_deletion_of_an_object_never_seen_stops_a_late_list_all_the_same(index: Index) -> None:
    index.drop("TrainingJob", job(12))
    index.put_list("TrainingJob", [job(10)], 11)
    assert index.job(JOB) is None


def test_a_new_life_of_a_buried_name_is_taken(index: Index) -> None:
    index.put("TrainingJob", job(10))
    index.drop("TrainingJob", job(12))
    assert index.put("TrainingJob", job(13, "newswire-topics", "uid-2")) == (JOB,)


def test_the_late_deletion_of_a_former_life_leaves_the_new_one(index: Index) -> None:
    index.put("TrainingJob", job(13, "newswire-topics", "uid-2"))
    assert index.drop("TrainingJob", job(12)) == ()
    assert index.job(JOB) is not None


def test_a_ghost_that_a_list_lacks_is_dropped_and_wakes_its_key(index: Index) -> None:
    index.put("TrainingJob", job(10))
    assert index.put_list("TrainingJob", [], 20) == [JOB]
    assert index.job(JOB) is None


def test_what_came_after_the_list_was_made_is_no_ghost(index: Index) -> None:
    index.put("TrainingJob", job(21))
    index.put_list("TrainingJob", [], 20)
    assert index.job(JOB) is not None


def test_tombstones_are_forgotten_when_nothing_that_old_can_come_any_more(index: Index) -> None:
    index.put("TrainingJob", job(10))
    index.drop("TrainingJob", job(12))
    for version in (20, 30):
        index.put_list("TrainingJob", [], version)
    assert index.put("TrainingJob", job(11)) == (JOB,)


def test_children_and_pods_wake_their_job(index: Index) -> None:
    assert index.put("Job", child(2)) == (JOB,)
    assert index.put("Pod", pod(3)) == (JOB,)


def test_a_change_that_no_decision_reads_wakes_nobody(index: Index) -> None:
    index.put("Job", child(2))
    assert index.put("Job", child(3)) == ()
    assert index.put("Job", child(4, active=1)) == (JOB,)
    index.put("Pod", pod(5))
    assert index.put("Pod", pod(6)) == ()
    assert index.put("Pod", pod(7, "Running")) == (JOB,)


def test_a_vanished_pod_is_kept_with_the_time_until_its_job_is_settled(index: Index) -> None:
    index.put("TrainingJob", job(1))
    index.put("Job", child(2))
    index.put("Pod", pod(3, "Running"))
    assert index.drop("Pod", pod(4, "Running")) == [JOB]
    (seen,) = index.pods("uid-1")
    assert seen.gone_at == FakeClock().now()
    index.put("TrainingJob", job(9, "newswire-topics", "uid-1", "Finished", "Accounted"))
    assert index.pods("uid-1") == ()


def test_a_pod_that_vanishes_after_its_job_was_settled_is_not_kept(index: Index) -> None:
    index.put("TrainingJob", job(1, "newswire-topics", "uid-1", "Finished", "Accounted"))
    index.put("Pod", pod(3, "Succeeded"))
    index.drop("Pod", pod(4, "Succeeded"))
    assert index.pods("uid-1") == ()


def test_pods_that_are_evicted_for_ever_do_not_fill_the_memory(index: Index) -> None:
    index.put("TrainingJob", job(1))
    for number in range(200):
        body = pod(10 + number, "Running", uid=f"pod-{number}")
        index.put("Pod", body)
        index.drop("Pod", at(1000 + number, body))
    assert len(index.pods("uid-1")) == 64
    assert index.pods("uid-1")[-1].uid == "pod-199"


def test_another_life_of_a_childs_name_makes_the_former_one_vanish(index: Index) -> None:
    index.put("TrainingJob", job(1))
    index.put("Job", child(2))
    index.put("Job", at(3, child(3), uid="child-2"))
    former, present = index.children("uid-1")
    assert (former.uid, former.gone_at is not None) == ("child-1", True)
    assert (present.uid, present.gone_at) == ("child-2", None)


def test_a_deleted_job_is_kept_as_departed_until_it_is_forgotten(index: Index) -> None:
    index.put("TrainingJob", job(1))
    index.put("Pod", pod(2, "Running"))
    assert index.drop("TrainingJob", job(3)) == (JOB,)
    index.drop("Pod", pod(4, "Running"))
    assert [life.metadata.uid for life in index.departed(JOB)] == ["uid-1"]
    assert index.unfinished() == [JOB]
    assert len(index.pods("uid-1")) == 1
    index.forget(JOB, "uid-1")
    assert index.departed(JOB) == ()
    assert index.unfinished() == []
    assert index.pods("uid-1") == ()


def test_a_name_taken_again_leaves_its_former_life_departed(index: Index) -> None:
    index.put("TrainingJob", job(1))
    index.put("TrainingJob", job(5, "newswire-topics", "uid-2"))
    assert [life.metadata.uid for life in index.departed(JOB)] == ["uid-1"]
    found = index.job(JOB)
    assert found is not None
    assert found.metadata.uid == "uid-2"


def test_a_job_that_cannot_be_read_is_kept_with_the_reason_and_others_go_on(index: Index) -> None:
    broken = job(1)
    broken["spec"] = {**broken["spec"], "maxAttempts": "many"}
    index.put("TrainingJob", broken)
    index.put("TrainingJob", job(2, "other", "uid-2"))
    assert index.job(JOB) is None
    assert "maxAttempts" in (index.error(JOB) or "")
    assert index.body(JOB) is not None
    assert index.job(OTHER) is not None
    assert index.error(OTHER) is None


def test_an_object_with_our_labels_that_is_none_of_ours_harms_nobody(index: Index) -> None:
    odd = child(2)
    del odd["metadata"]["creationTimestamp"]
    assert index.put("Job", odd) == ()
    assert list(index.unreadable) == [Key("Job", "research", "newswire-topics-1")]


UNDECIDED: list[tuple[tuple[str, ...], bool]] = [
    ((), True),
    (("Decided",), False),
    (("Decided", "Suspended"), True),
    (("Decided", "Running"), False),
    (("Finished",), False),
    (("Finished", "Suspended"), False),
]


@pytest.mark.parametrize(("conditions", "woken"), UNDECIDED)
def test_the_catalogue_wakes_only_jobs_that_wait_or_are_undecided(
    index: Index, conditions: tuple[str, ...], woken: bool
) -> None:
    index.put("TrainingJob", job(1, "newswire-topics", "uid-1", *conditions))
    model = Key("ClusterBaseModel", "", "all-minilm-l6-v2")
    assert index.put("ClusterBaseModel", at(2, make_model().body())) == ((model, JOB) if woken else (model,))


def test_a_model_of_another_namespace_wakes_nobody_here(index: Index) -> None:
    index.put("TrainingJob", job(1))
    elsewhere = Key("BaseModel", "elsewhere", "all-minilm-l6-v2")
    assert index.put("BaseModel", at(2, make_model().namespaced("elsewhere").body())) == (elsewhere,)


def test_a_model_whose_status_alone_changed_wakes_no_job(index: Index) -> None:
    index.put("TrainingJob", job(1))
    model = make_model()
    index.put("ClusterBaseModel", at(2, model.body()))
    echo = {**at(3, model.body()), "status": {"lastUsedTime": "2026-01-01T00:00:00Z"}}
    assert JOB not in index.put("ClusterBaseModel", echo)


@pytest.mark.parametrize(
    ("kind", "body"), [("ComputeProfile", make_profile().body()), ("TrainingPolicy", make_policy().body())]
)
def test_profiles_and_policies_wake_the_undecided_when_they_come_and_go(index: Index, kind: str, body: Body) -> None:
    index.put("TrainingJob", job(1))
    index.put("TrainingJob", job(1, "other", "uid-2", "Decided"))
    assert list(index.put(kind, at(2, body))) == [JOB]
    assert list(index.drop(kind, at(3, body))) == [JOB]


def test_labels_of_a_namespace_wake_its_undecided_jobs_when_they_change(index: Index) -> None:
    index.put("TrainingJob", job(1))
    research = {"kind": "Namespace", "metadata": {"name": "research", "labels": {"team": "nlp"}}}
    assert list(index.put("Namespace", at(2, research))) == [JOB]
    assert index.namespace_labels("research") == {"team": "nlp"}
    assert index.put("Namespace", at(3, research)) == ()
    assert index.namespace_labels("nowhere") == {}


def test_the_catalogue_follows_its_models(index: Index) -> None:
    empty = index.catalogue.digest
    for number in range(40):
        index.put("ClusterBaseModel", at(2 + number, make_model(f"model-{number}").body()))
    assert index.catalogue.count("research") == 40
    index.put("BaseModel", at(99, make_model("mine").namespaced("research").body()))
    assert index.catalogue.count("research") == 41
    assert index.catalogue.count("elsewhere") == 40
    index.drop("BaseModel", at(100, make_model("mine").namespaced("research").body()))
    index.put_list("ClusterBaseModel", [], 200)
    assert index.catalogue.digest == empty


def test_a_model_counts_before_its_status_says_so_unless_its_claim_is_lost(index: Index) -> None:
    model = make_model().body()
    index.put("ClusterBaseModel", at(2, {**model, "status": {}}))
    assert [entry.ready for entry in index.catalogue] == [True]
    index.put("ClusterBaseModel", at(3, make_model().not_ready("SourceMissing").body()))
    assert [entry.ready for entry in index.catalogue] == [False]


def test_reports_are_kept_by_namespace_without_their_bulk(index: Index) -> None:
    body = at(2, make_report().body())
    body["spec"]["decisionRecord"] = "x" * 8000
    index.put("TrainingReport", body)
    (report,) = index.reports("research")
    assert report.spec.decision_record == ""
    assert index.reports("elsewhere") == ()
    assert index.reports() == (report,)
    index.drop("TrainingReport", at(3, body))
    assert index.reports("research") == ()


def approval(version: int, name: str = "yes", job: str = "newswire-topics") -> Body:
    spec = {"job": job, "jobUid": "uid-1", "decisionDigest": "sha256:" + "0" * 64}
    return at(version, {"kind": "TrainingApproval", "metadata": {"name": name, "namespace": "research"}, "spec": spec})


def test_an_approval_wakes_the_job_it_names_and_no_other_when_it_comes_and_when_it_goes(index: Index) -> None:
    assert index.put("TrainingApproval", approval(1)) == (JOB,)
    assert index.put("TrainingApproval", approval(1)) == ()
    assert index.put("TrainingApproval", approval(2, "for-another", "other")) == (OTHER,)
    assert [one.metadata.name for one in index.approvals("research", "newswire-topics")] == ["yes"]
    assert index.approvals("elsewhere", "newswire-topics") == ()
    assert index.drop("TrainingApproval", approval(3)) == (JOB,)
    assert index.approvals("research", "newswire-topics") == ()


def test_an_approval_that_a_list_lacks_is_gone(index: Index) -> None:
    index.put("TrainingApproval", approval(1))
    assert index.put_list("TrainingApproval", [], 5) == [JOB]
    assert index.approvals("research", "newswire-topics") == ()


def test_an_approval_that_cannot_be_read_counts_for_nothing_and_is_told(index: Index) -> None:
    body = approval(1)
    del body["spec"]["jobUid"]
    assert index.put("TrainingApproval", body) == ()
    assert index.approvals("research", "newswire-topics") == ()
    assert [key.name for key in index.unreadable] == ["yes"]
    assert index.drop("TrainingApproval", at(2, body)) == ()


def test_bodies_lose_what_only_apply_needs(index: Index) -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "kept"}
    index.put("TrainingJob", at(1, job(1), managedFields=[{"manager": "x"}], annotations=annotations))
    body = index.body(JOB)
    assert body is not None
    assert "managedFields" not in body["metadata"]
    assert body["metadata"]["annotations"] == {"mine": "kept"}
