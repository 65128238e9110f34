"""Experience, played on the loop in memory: what a finished job teaches the next one, here and elsewhere."""

import pytest

from builders import JobBuilder, make_job
from coppice.api.decision import DecisionRecord, decode_record
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.api.vocabulary import Learning
from loop import Loop

SECONDS = 600


def probe_job(name: str, namespace: str = "research") -> JobBuilder:
    return make_job(name, namespace).methods("LinearProbe").scratch(epochs=30).max_attempts(2)


async def decided(loop: Loop, job: JobBuilder) -> DecisionRecord:
    loop.apply(job)
    await loop.turn()
    return decode_record(loop.cluster.jobs()[-1]["metadata"]["annotations"]["coppice.dev/decision"])


async def lived(loop: Loop, job: JobBuilder, quality: str = "0.957") -> DecisionRecord:
    record = await decided(loop, job)
    loop.cluster.run(loop.cluster.jobs()[-1], quality, seconds=SECONDS)
    await loop.turn()
    return record


def first(record: DecisionRecord) -> tuple[float, float, int]:
    """Estimated seconds and chance of the first rung, and the jobs behind the chance."""
    rung = record.ladder[0]
    return float(rung.estimate.run_seconds.mid), float(rung.chance.value), rung.chance.observations


async def test_a_finished_job_moves_the_next_ones_estimate_and_chance() -> None:
    loop = Loop()
    before = first(await lived(loop, probe_job("one")))
    after = first(await lived(loop, probe_job("two")))
    third = await decided(loop, probe_job("three"))
    assert before[0] < after[0] < first(third)[0] < SECONDS
    assert before[1] < after[1] < first(third)[1]
    assert first(third)[2] == 2
    assert third.ladder[0].estimate.inputs["timeEvidence"] == "2 own, 0 others, 0 related"


async def test_a_restarted_operator_knows_the_same() -> None:
    loop = Loop()
    await lived(loop, probe_job("one"))
    loop.restart()
    restarted = await decided(loop, probe_job("two"))
    calm = Loop()
    await lived(calm, probe_job("one"))
    assert first(restarted) == first(await decided(calm, probe_job("two")))


async def test_another_namespace_hears_less() -> None:
    loop = Loop()
    before = first(await lived(loop, probe_job("one")))
    own, elsewhere = await decided(loop, probe_job("two")), await decided(loop, probe_job("two", "sales"))
    assert before[0] < first(elsewhere)[0] < first(own)[0]
    assert before[1] < first(elsewhere)[1] < first(own)[1]
    assert elsewhere.ladder[0].estimate.inputs["timeEvidence"] == "0 own, 1 others, 0 related"


@pytest.mark.parametrize(
    ("learning", "heard"), [(Learning.OWN_NAMESPACE, False), (Learning.OFF, False), (Learning.ALL, True)]
)
async def test_a_policy_keeps_other_namespaces_out(learning: Learning, heard: bool) -> None:
    loop = Loop(policy=TrainingPolicySpec(learning=learning))
    await lived(loop, probe_job("one"))
    record = await decided(loop, probe_job("two", "sales"))
    assert ("timeFactor" in record.ladder[0].estimate.inputs) is heard
    assert (record.ladder[0].chance.observations > 0) is heard


async def test_a_deleted_report_is_forgotten() -> None:
    loop = Loop()
    before = first(await lived(loop, probe_job("one")))
    (report,) = loop.reports()
    del loop.cluster.objects["TrainingReport", "research", report["metadata"]["name"]]
    assert first(await decided(loop, probe_job("two"))) == before
