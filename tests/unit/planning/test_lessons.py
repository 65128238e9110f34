"""Lessons: what a report teaches of each rung, and what it must not teach."""

import base64
import json
import zlib
from math import log
from typing import Any

import pytest

from builders import ReportBuilder, make_job, make_model, make_report
from coppice.api.decision import CandidateRecord
from coppice.planning.learning.lesson import Lesson, lessons
from worlds import decided

NAME = "all-minilm-l6-v2"
JOB, MODEL = make_job().scratch(), make_model()
RECORD = decided(JOB, MODEL)
PLANNED = {(one.method.value): one for one in (*RECORD.candidates, *RECORD.ladder)}
PROBE = PLANNED["LinearProbe"]
SECONDS = float(PROBE.estimate.run_seconds.mid)


def report(method: str = "LinearProbe", outcome: str = "Met", record: Any = RECORD, **fields: Any) -> ReportBuilder:
    made = make_report("r").of(JOB.build()).set("spec.decisionRecord", record.encoded())
    base = None if method == "FromScratch" else NAME
    return made.attempt(method, outcome, base, **{"runSeconds": round(2 * SECONDS), **fields})


def taught(made: ReportBuilder) -> Lesson:
    (lesson,) = lessons(made.build())
    return lesson


def input_of(candidate: CandidateRecord, name: str) -> float:
    return float(candidate.estimate.inputs[name])


def test_a_finished_run_teaches_its_time_in_its_cell() -> None:
    found = taught(report())
    assert (found.method, found.family, found.profile) == ("LinearProbe", "bert", "cpu-generic")
    assert found.time == pytest.approx(log(2), abs=0.02)
    assert (found.met, found.chance) == (True, pytest.approx(float(PROBE.chance.value)))


def test_what_experience_had_added_is_divided_out() -> None:
    """Else a correction would teach that there is nothing to correct, and fade."""
    corrected = decided(JOB, MODEL, reports=[report().set("metadata.name", f"r{n}") for n in range(9)])
    plan = {one.method.value: one for one in (*corrected.candidates, *corrected.ladder)}["LinearProbe"]
    factor = input_of(plan, "timeFactor")
    assert factor > 1.5
    assert float(plan.estimate.run_seconds.mid) == pytest.approx(SECONDS * factor, rel=1e-3)
    assert taught(report(record=corrected)).time == pytest.approx(log(2), abs=0.02)


@pytest.mark.parametrize("outcome", ["Killed", "Failed", "NoResult", "OutOfMemory", "Deleted"])
def test_the_time_of_a_run_that_did_not_end_by_itself_teaches_nothing(outcome: str) -> None:
    assert taught(report(outcome=outcome)).time is None


def test_a_run_stopped_at_a_limit_took_at_least_that_long() -> None:
    assert taught(report(outcome="LimitExceeded")).time == pytest.approx(log(2), abs=0.02)
    assert taught(report(outcome="LimitExceeded", runSeconds=round(SECONDS / 2))).time is None


def test_a_resumed_run_teaches_no_time() -> None:
    pods = [{"uid": uid, "index": 0, "startTime": "2026-01-01T00:00:00Z"} for uid in "ab"]
    assert taught(report(pods=pods)).time is None
    assert taught(report(pods=pods[:1])).time is not None


@pytest.mark.parametrize(
    "made",
    [
        report().set("spec.decisionRecord", ""),
        report().set("spec.decisionRecord", "not base64"),
        report().set("spec.decisionRecord", "bm90IHpsaWI="),
        report(profile="another"),
        report("FromScratch").set("spec.request.fromScratch", None),
        report("FromScratch").set("spec.request.trainer", {"container": {"image": "registry.example/own:1"}}),
    ],
    ids=["no record", "garbage", "no zlib", "other hardware", "assumed plan", "own program"],
)
def test_no_estimate_is_learned_from(made: ReportBuilder) -> None:
    found = taught(made)
    assert (found.time, found.power, found.memory) == (None, None, None)


def test_a_record_without_inputs_does_not_say_what_was_added() -> None:
    bare = PROBE.model_copy(update={"estimate": PROBE.estimate.model_copy(update={"inputs": {}})})
    record = RECORD.model_copy(update={"ladder": (bare,), "candidates": ()})
    assert taught(report(record=record)).time is None


def energy(grade: str, coverage: str = "1", **fields: Any) -> ReportBuilder:
    """A minute at twice the expected watts of the processor."""
    joules = 2 * input_of(PROBE, "cpuWatts") * 60
    parts = [
        {"component": "cpu", "grade": grade, "joules": str(round(joules, 3))},
        {"component": "host_idle", "grade": "Estimated", "joules": "100"},
    ]
    return report(**fields).totals(str(joules + 100), "1", parts=parts, coverage=coverage)


def test_measured_energy_teaches_the_power_of_the_main_component() -> None:
    assert taught(energy("Measured")).power == pytest.approx(log(2), abs=0.01)


@pytest.mark.parametrize(
    "made",
    [
        energy("Modelled"),
        energy("Estimated"),
        energy("Measured", coverage="0.5"),
        energy("Measured", outcome="Killed"),
        energy("Measured", evidence="SelfReported"),
        energy("Measured", number=2, runSeconds=1).attempt("LoRA", "Missed", NAME),
    ],
    ids=["modelled", "estimated", "hardly covered", "killed", "self-reported", "two attempts in one account"],
)
def test_power_is_never_learned_from(made: ReportBuilder) -> None:
    assert all(lesson.power is None for lesson in lessons(made.build()))


def test_peak_memory_on_cpu_teaches_memory() -> None:
    needed = float(PROBE.estimate.memory_bytes.mid)
    assert taught(report(peakMemoryBytes=round(needed * 1.5))).memory == pytest.approx(log(1.5), abs=1e-3)
    assert taught(report(peakMemoryBytes=round(needed), accelerators=1)).memory is None


def test_out_of_memory_says_that_at_least_the_reserved_was_needed() -> None:
    needed = float(PROBE.estimate.memory_bytes.mid)
    assert taught(report(outcome="OutOfMemory", memoryBytes=round(needed * 2))).memory == pytest.approx(
        log(2), abs=1e-3
    )
    assert taught(report(outcome="OutOfMemory", memoryBytes=round(needed / 2))).memory is None


def test_what_a_users_container_says_of_quality_is_not_learned() -> None:
    found = taught(report(evidence="SelfReported", quality="0.99"))
    assert (found.met, found.quality) == (None, None)


def test_a_rung_tried_twice_is_one_lesson_and_a_probe_is_none() -> None:
    probe = {"number": 1, "kind": "Probe", "method": "LinearProbe", "outcome": "Unjudged", "profile": "cpu-generic"}
    seconds = round(PLANNED["LoRA"].estimate.run_seconds.mid)
    made = report("LoRA", "Killed").attempt("LoRA", "Met", NAME, runSeconds=seconds)
    attempts = [{**probe, "child": {"kind": "Job", "name": "c"}}, *made.get("spec.attempts")]
    assert taught(made.set("spec.attempts", attempts)).time == pytest.approx(0.0, abs=0.05)


def test_a_later_rung_is_judged_by_its_chance_after_the_misses_before_it() -> None:
    made = report(outcome="Missed").attempt("FullFineTune", "Met", NAME)
    first, second = lessons(made.build())
    assert first.chance == pytest.approx(float(PROBE.chance.value))
    assert second.chance is not None
    assert second.chance < float(PLANNED["FullFineTune"].chance.value)


def test_a_record_of_another_shape_leaves_the_results() -> None:
    odd = {
        "method": "LinearProbe",
        "baseModel": {"kind": "ClusterBaseModel", "name": NAME},
        "estimate": {"inputs": [1]},
    }
    text = base64.b64encode(zlib.compress(json.dumps({"ladder": [odd | {"profile": "cpu-generic"}]}).encode())).decode()
    found = taught(report().set("spec.decisionRecord", text))
    assert (found.met, found.time) == (True, None)


def test_a_report_without_a_request_teaches_nothing() -> None:
    assert lessons(report().set("spec.request", None).build()) == ()


def after_a_probe(method: str, **figures: str) -> ReportBuilder:
    """A rung that ran after a probe which saw these figures of its base model."""
    seen = {"baseModel": {"kind": "ClusterBaseModel", "name": NAME}, "examples": 100, **figures}
    probe = make_report("r").of(JOB.build()).set("spec.decisionRecord", RECORD.encoded())
    probe = probe.attempt("LinearProbe", "Probed", NAME, kind="Probe", probed=[seen])
    return probe.attempt(method, "Met", NAME, runSeconds=round(2 * SECONDS))


def test_a_chance_that_a_probe_moved_is_not_scored_as_it_was_before() -> None:
    assert taught(after_a_probe("LoRA", linearQuality="0.9")).chance is None
    assert taught(after_a_probe("LoRA", message="it could not be loaded")).chance is not None


def test_a_run_that_found_features_of_an_earlier_attempt_teaches_no_time() -> None:
    assert taught(after_a_probe("LinearProbe", linearQuality="0.9")).time is None
    assert taught(after_a_probe("LoRA", linearQuality="0.9")).time is not None
    again = report(outcome="Killed").attempt("LinearProbe", "Met", NAME, runSeconds=round(2 * SECONDS))
    assert taught(again).time is None
