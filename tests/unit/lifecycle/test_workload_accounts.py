"""Workloads that others decide about: each account is opened, settled once, never lost and never counted twice."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from builders import make_profile
from coppice.accounting.report import recompute
from coppice.accounting.totals import energy_parts
from coppice.accounting.workload import workload_settlement
from coppice.api.labels import JOB_UID_LABEL
from coppice.lifecycle.workload import ending_in
from coppice.ports import Forbidden, NotFound
from coppice.workloads.names import workload_report_name
from fake_cluster import CrashError
from workload_loop import NAMESPACE, WorkloadLoop, hand_computed_joules

KINDS = ["Job", "JobSet", "TrainJob", "PyTorchJob"]
POD_OWNERS = {"JobSet": ["Job"], "TrainJob": ["JobSet", "Job"]}


def with_pods_of(loop: WorkloadLoop, workload: dict) -> dict:
    """The objects that its controllers make, without the label; the one that owns pods."""
    for kind in POD_OWNERS.get(workload["kind"], []):
        workload = loop.workload(kind, workload["metadata"]["name"], workload, labelled=False)
    return workload


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_accounted_from_its_first_pod_to_its_end(kind: str) -> None:
    loop = WorkloadLoop()
    workload = loop.workload(kind, "nightly")
    await loop.round()
    assert loop.ledger.specs == {}, "nothing has held a node"
    pod = loop.pod(with_pods_of(loop, workload))
    await loop.rounds(4)
    [entry] = loop.entries
    assert (entry.kind, entry.name, entry.settled) == (kind, "nightly", False)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.round()
    [report] = loop.reports()
    assert (report.spec.workload.kind, report.spec.job, report.spec.state) == (kind, "nightly", "Succeeded")
    assert report.spec.decision is report.spec.request is report.spec.totals.avoided is report.spec.totals.sci is None
    assert report.spec.totals.energy_joules == pytest.approx(hand_computed_joules(60), abs=Decimal("0.01"))
    assert loop.joules == report.spec.totals.energy_joules
    assert loop.totals.operational_grams == report.spec.totals.operational_grams
    assert [(row.method, row.reason, row.jobs) for row in loop.totals.finished] == [(None, "Succeeded", 1)]
    assert energy_parts(recompute(report)) == report.spec.totals.parts


async def test_a_closed_account_stays_closed_whatever_becomes_of_report_label_and_object() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    loop.cluster.end_pod(loop.pod(workload))
    loop.end(workload)
    await loop.round()
    writes = list(loop.cluster.writes)
    before = loop.totals
    await loop.rounds(2)
    assert loop.cluster.writes == writes, "an unchanged world causes no write"
    loop.cluster.remove("TrainingReport", NAMESPACE, loop.reports()[0].metadata.name)
    loop.unlabel(workload)
    loop.restart()
    await loop.rounds(2)
    workload["metadata"]["labels"] = {"coppice.dev/account": "true"}
    await loop.rounds(2)
    assert (loop.totals, loop.reports(), len(loop.entries)) == (before, [], 1)
    loop.remove(workload)
    await loop.later()
    assert (loop.totals, loop.entries) == (before, [])


async def test_the_name_s_next_life_is_an_account_of_its_own() -> None:
    loop = WorkloadLoop()
    for _ in range(2):
        workload = loop.workload("Job", "nightly")
        pod = loop.pod(workload)
        await loop.rounds(2)
        loop.cluster.end_pod(pod)
        loop.end(workload)
        await loop.rounds(2)
        loop.remove(workload)
        loop.clock.advance(60)
    await loop.later()
    assert (len(loop.reports()), loop.finished, loop.entries) == (2, {"Succeeded": 2}, [])


@pytest.mark.parametrize("jobset_says_its_uid", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_pods_of_the_name_s_next_life_are_not_the_deleted_one_s(kind: str, jobset_says_its_uid: bool) -> None:
    loop = WorkloadLoop()

    def lives_on() -> tuple[dict, dict]:
        workload = loop.workload(kind, "nightly")
        owner = with_pods_of(loop, workload)
        pod = loop.pod(owner, f"nightly-{loop.clock.moment:%H%M%S}")
        if not jobset_says_its_uid:
            pod["metadata"]["labels"].pop("jobset.sigs.k8s.io/jobset-uid", None)
        return workload, pod

    workload, lingering = lives_on()
    await loop.rounds(4)
    loop.remove(workload)
    loop.cluster.objects["Pod", NAMESPACE, lingering["metadata"]["name"]] = lingering  # it takes its time to end
    await loop.round()
    workload, pod = lives_on()
    await loop.rounds(4)
    loop.cluster.end_pod(lingering)
    await loop.rounds(4)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.rounds(3)
    used = {report.spec.state: report.spec.totals.energy_joules for report in loop.reports()}
    assert used == {
        "Deleted": pytest.approx(hand_computed_joules(135), abs=Decimal("0.1")),
        "Succeeded": pytest.approx(hand_computed_joules(120), abs=Decimal("0.1")),
    }
    assert loop.joules == sum(used.values())


async def test_every_pod_counts_once_and_so_do_those_that_failed_or_went() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    failed = loop.pod(workload, "nightly-a")
    await loop.rounds(2)
    loop.cluster.end_pod(failed, exit_code=1)
    evicted = loop.pod(workload, "nightly-b")
    await loop.rounds(2)
    loop.remove(evicted)
    last = loop.pod(workload, "nightly-c")
    await loop.rounds(2)
    loop.cluster.end_pod(last)
    loop.end(workload)
    await loop.rounds(2)
    [report] = loop.reports()
    assert report.spec.totals.energy_joules == pytest.approx(hand_computed_joules(90), abs=Decimal("0.1"))
    assert report.spec.totals.run_seconds == 90
    assert loop.joules == report.spec.totals.energy_joules


@pytest.mark.parametrize(("pods", "rounds"), [(4, 18), (10, 37)])
async def test_a_new_process_counts_pods_that_vanished_before_it_as_the_old_one_would(pods: int, rounds: int) -> None:
    outcomes = []
    for restart in (False, True):
        loop = WorkloadLoop()
        workload = loop.workload("JobSet", "nightly")
        owner = with_pods_of(loop, workload)
        for number in range(pods):
            vanishing = loop.pod(owner, f"nightly-{number}")
            await loop.rounds(2 + number % 4)
            if number % 2:
                loop.cluster.end_pod(vanishing, exit_code=1)
                await loop.round()
            loop.remove(vanishing)
        last = loop.pod(owner, "nightly-last")
        await loop.rounds(2)
        if restart:
            loop.restart()
        await loop.rounds(2)
        loop.cluster.end_pod(last)
        loop.end(workload)
        await loop.rounds(2)
        [report] = loop.reports()
        assert report.spec.totals.energy_joules == pytest.approx(hand_computed_joules(15 * rounds), abs=Decimal("0.1"))
        assert not any("missing" in gap for gap in report.spec.gaps)
        totals = report.spec.totals
        if pods > 4:  # those that share a note lie side by side
            totals = totals.model_copy(update={"run_seconds": 0})
        outcomes.append((loop.joules, loop.totals.operational_grams, totals))
    assert outcomes[0] == outcomes[1]


async def test_a_report_that_a_killed_process_left_is_what_is_settled_although_all_else_is_gone() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    pod = loop.pod(workload)
    await loop.rounds(3)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    loop.cluster.crash_after = 0
    with pytest.raises(CrashError):
        await loop.round()
    loop.cluster.crash_after = None
    [report] = loop.reports()
    assert loop.finished == {}
    loop.remove(workload)
    loop.restart()
    await loop.rounds(2)
    assert (loop.finished, loop.joules, loop.entries) == ({"Succeeded": 1}, report.spec.totals.energy_joules, [])


@pytest.mark.parametrize("killed", [False, True])
async def test_a_report_s_name_that_another_life_has_taken_keeps_no_account_open(killed: bool) -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    uid = workload["metadata"]["uid"]
    taken = {"name": workload_report_name("nightly", uid), "namespace": NAMESPACE, "labels": {JOB_UID_LABEL: "another"}}
    spec = {"job": "nightly", "jobUid": "another", "state": "Succeeded", "succeeded": True, "createdTime": None}
    loop.cluster.add({"apiVersion": "coppice.dev/v1alpha1", "kind": "TrainingReport", "metadata": taken, "spec": spec})
    pod = loop.pod(workload)
    await loop.rounds(4)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    if killed:
        loop.cluster.crash_after = 0
        with pytest.raises(CrashError):
            await loop.round()
        loop.cluster.crash_after = None
        loop.remove(workload)
        loop.restart()
    await loop.rounds(2)
    [report] = [report for report in loop.reports() if report.spec.job_uid == uid]
    assert (loop.joules, loop.finished) == (report.spec.totals.energy_joules, {"Succeeded": 1})
    assert [event.message.partition("TrainingReport ")[2] for _, event in loop.cluster.events] == (
        [] if killed else [report.metadata.name]
    )


async def test_what_not_even_the_ledger_remembers_is_said_to_be_missing() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("JobSet", "nightly")
    owner = with_pods_of(loop, workload)
    vanishing = loop.pod(owner, "nightly-0")
    await loop.later()
    loop.remove(vanishing)
    loop.restart()
    last = loop.pod(owner, "nightly-1")
    await loop.rounds(2)
    loop.cluster.end_pod(last)
    loop.end(workload)
    await loop.rounds(2)
    [report] = loop.reports()
    assert any("missing from this account" in gap for gap in report.spec.gaps)


async def test_a_workload_that_failed_is_spent_in_vain_and_has_no_score() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("PyTorchJob", "bert")
    loop.cluster.end_pod(loop.pod(workload), exit_code=1)
    loop.clock.advance(60)
    loop.end(workload, well=False)
    await loop.round()
    [report] = loop.reports()
    assert (report.spec.state, report.spec.succeeded, report.spec.message) == ("Failed", False, "its words")
    assert report.spec.totals.sci is None
    assert loop.totals.spent_in_vain_grams == loop.totals.operational_grams + loop.totals.embodied_grams


async def test_a_deleted_workload_is_settled_from_what_was_last_seen() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("JobSet", "nightly")
    loop.pod(with_pods_of(loop, workload))
    await loop.rounds(4)
    loop.remove(workload)
    await loop.rounds(2)
    [report] = loop.reports()
    assert (report.spec.state, loop.finished) == ("Deleted", {"Deleted": 1})
    assert report.spec.totals.energy_joules == pytest.approx(hand_computed_joules(60), abs=Decimal("0.1"))
    assert loop.totals.spent_in_vain_grams > 0
    await loop.later()
    assert loop.entries == []


async def test_a_workload_deleted_while_no_operator_ran_is_settled_from_the_ledger() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    loop.pod(workload)
    await loop.later()
    [entry] = loop.entries
    loop.remove(workload)
    loop.restart()
    await loop.rounds(2)
    assert entry.energy_watt_hours > 0, "the ledger was told what was used so far"
    assert (loop.reports(), loop.finished, loop.entries) == ([], {"Deleted": 1}, [])
    assert loop.joules == entry.energy_watt_hours * 3600
    assert [row.method for row in loop.totals.finished] == [None]


async def test_removing_the_label_ends_the_account_and_setting_it_again_opens_no_other() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    pod = loop.pod(workload)
    await loop.rounds(4)
    loop.unlabel(workload)
    await loop.rounds(4)
    [report] = loop.reports()
    assert (report.spec.state, report.spec.succeeded) == ("LabelRemoved", False)
    assert report.spec.totals.energy_joules == pytest.approx(hand_computed_joules(60), abs=Decimal("0.1"))
    assert loop.totals.spent_in_vain_grams == 0, "nobody knows how it will end"
    workload["metadata"]["labels"] = {"coppice.dev/account": "true"}
    loop.cluster.touch(workload)
    await loop.rounds(4)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.rounds(2)
    assert (len(loop.reports()), loop.finished) == (1, {"LabelRemoved": 1})


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_report_says_where_nobody_saw_the_label_go(restarted: bool) -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    loop.pod(workload)
    await loop.rounds(4)
    loop.unlabel(workload)
    if restarted:
        loop.restart()
    await loop.rounds(3)
    [report] = loop.reports()
    assert report.spec.state == "LabelRemoved"
    assert ("started again" in report.spec.message) is restarted


async def test_each_pod_is_priced_in_the_zone_of_its_node_and_the_report_says_how_that_was_found() -> None:
    loop = WorkloadLoop()
    loop.nodes.zones = {"node-fr": "gcp/europe-west9"}
    workload = loop.workload("Job", "nightly")
    pods = [loop.pod(workload, "a", node="node-fr"), loop.pod(workload, "b", node="node-1")]
    await loop.rounds(2)
    for pod in pods:
        loop.cluster.end_pod(pod)
    loop.end(workload)
    await loop.rounds(2)
    [report] = loop.reports()
    default, labelled = report.spec.totals.intensity_source.split("; ", 1)
    assert default.startswith("DE LifeCycle Average")
    assert labelled.startswith("gcp/europe-west9 LifeCycle Average")
    assert labelled.endswith("zone by the node's region label")


async def test_what_no_profile_describes_is_a_gap_and_no_zero() -> None:
    loop = WorkloadLoop(
        make_profile("gpu").accelerator(resourceName="nvidia.com/gpu").set("spec.nodeSelector", {"a": "b"}).body()
    )
    loop.nodes.by_name["node-1"] = {"a": "c"}
    workload = loop.workload("Job", "nightly")
    loop.pod(workload, **{"nvidia.com/gpu": "2"})
    await loop.rounds(2)
    loop.cluster.end_pod(next(body for place, body in loop.cluster.objects.items() if place[0] == "Pod"))
    loop.end(workload)
    await loop.rounds(2)
    [report] = loop.reports()
    assert report.spec.totals is None
    [gap] = report.spec.gaps
    assert "nvidia.com/gpu" in gap
    assert "coppice.dev/compute-profile" in gap
    assert (loop.finished, loop.joules) == ({"Succeeded": 1}, 0)


async def test_a_label_set_after_the_end_is_in_time_as_long_as_pods_are_there() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly", labelled=False)
    pod = loop.pod(workload)
    loop.clock.advance(60)
    loop.cluster.end_pod(pod)
    loop.end(workload)
    workload["status"] |= {"succeeded": 1, "failed": 1}
    bare = loop.workload("Job", "bare")
    loop.end(bare)
    await loop.rounds(2)
    assert loop.reports() == []
    workload["metadata"]["labels"] = {"coppice.dev/account": "true"}
    await loop.rounds(2)
    [report] = loop.reports()
    assert report.spec.job == "nightly", "nothing is known of the other"
    assert any("1 of 2 pods" in gap for gap in report.spec.gaps)


@pytest.mark.parametrize("why", [NotFound("no such kind"), Forbidden("no such right")])
async def test_a_kind_that_is_not_served_is_no_error_and_is_noticed_when_it_comes(why: Exception) -> None:
    loop = WorkloadLoop()
    loop.cluster.unserved["JobSet"] = why
    job, jobs = loop.workload("Job", "nightly"), loop.workload("JobSet", "sweep")
    loop.pod(job), loop.pod(with_pods_of(loop, jobs))
    await loop.rounds(4)
    assert [entry.kind for entry in loop.entries] == ["Job"]
    del loop.cluster.unserved["JobSet"]
    await loop.later()
    assert [entry.kind for entry in loop.entries] == ["Job", "JobSet"]


async def life(loop: WorkloadLoop, kind: str, *, deleted: bool = False) -> dict[str, object]:
    """A workload with two pods, from its label to its end; each round may be cut off and repeated by a new process."""

    async def turn() -> None:
        try:
            await loop.round(0)
        except CrashError:
            loop.cluster.crash_before = loop.cluster.crash_after = None
            loop.restart()
            await loop.round(0)
        loop.clock.advance(30)

    workload = loop.workload(kind, "nightly")
    owner = with_pods_of(loop, workload)
    pods = [loop.pod(owner, "nightly-a"), loop.pod(owner, "nightly-b")]
    for _ in range(12):
        await turn()
    for pod in pods:
        loop.cluster.end_pod(pod)
    if deleted:
        await turn()
        loop.remove(workload)
    else:
        loop.end(workload)
    for _ in range(2):
        await turn()
    open_ = [entry.uid for entry in loop.entries if not entry.settled]
    return {"finished": loop.finished, "joules": loop.joules, "open": open_,
            "grams": loop.totals.operational_grams, "months": loop.ledger.pages(NAMESPACE)[0].months,
            "reports": [report.spec.totals.energy_joules for report in loop.reports()]}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["Job", "TrainJob"])
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
async def test_a_kill_at_every_write_changes_nothing_of_the_account(kind: str, when: str) -> None:
    calm = WorkloadLoop()
    expected = await life(calm, kind)
    assert (expected["finished"], expected["open"], len(expected["reports"])) == ({"Succeeded": 1}, [], 1)
    for number in range(len(calm.cluster.writes)):
        loop = WorkloadLoop()
        setattr(loop.cluster, when, number)
        assert await life(loop, kind) == expected, f"killed {when} write {number} of {calm.cluster.writes}"


async def test_a_report_without_room_for_its_record_counts_for_the_same_months() -> None:
    loop = WorkloadLoop()
    loop.clock.moment = datetime(2026, 3, 31, 20, tzinfo=UTC)
    workload = loop.workload("Job", "nightly")
    pods = [loop.pod(workload, "nightly-a"), loop.pod(workload, "nightly-b")]
    await loop.round(4 * 3600)
    loop.cluster.end_pod(pods[0])
    await loop.round(4 * 3600)
    loop.cluster.end_pod(pods[1])
    loop.end(workload)
    await loop.round()
    [report] = loop.reports()
    brief = report.model_copy(update={"spec": report.spec.model_copy(update={"account_record": ""})})
    whole, short = (workload_settlement(each, ending_in(each)).months for each in (report, brief))
    assert [each.month for each in short] == [each.month for each in whole] == ["2026-03", "2026-04"]
    for mine, known in zip(short, whole, strict=True):
        assert mine.energy_watt_hours == pytest.approx(known.energy_watt_hours, rel=Decimal("1e-4"))
        assert mine.carbon_grams == pytest.approx(known.carbon_grams, rel=Decimal("1e-4"))
    bare = brief.model_copy(update={"spec": brief.spec.model_copy(update={"slots": []})})
    [month] = workload_settlement(bare, ending_in(bare)).months
    assert (month.month, month.energy_watt_hours) == ("2026-04", sum(each.energy_watt_hours for each in whole))


async def test_counters_never_fall_while_a_workload_lives() -> None:
    loop = WorkloadLoop()
    workload = loop.workload("Job", "nightly")
    pod = loop.pod(workload)
    seen = []
    for number in range(30):
        if number == 20:
            loop.cluster.end_pod(pod)
            loop.end(workload)
        await loop.round()
        seen.append(loop.joules)
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[19] == 0 < seen[-1]
