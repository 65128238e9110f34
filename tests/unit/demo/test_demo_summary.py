"""What the demo shows: figures from status, dashes for what is not known, misses shown as misses."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from coppice.api.base import Interval
from coppice.api.decision import CandidateRecord, ChanceRecord, DecisionRecord, EstimateRecord, Intensity
from coppice.api.reasons import DecisionReason
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AvoidedStatus
from coppice.api.vocabulary import Basis, IntensityMethod, IntensitySignal, Mode, OptimizeFor
from demo.figures import Figures, figures
from demo.follow import accounted, now
from demo.installation import helm_arguments
from demo.manifests import jobs
from demo.prometheus import QUESTIONS, Sample, parse
from demo.stages import Outcome
from demo.summary import answer, compared_with, comparison, costs, decisions, ran, rejections, savings, verdict
from demo.text import avoided, interval, number, quality, ratio

POINTS = Interval(low=Decimal(1), mid=Decimal(2), high=Decimal(3))
BASE = {"kind": "BaseModel", "name": "minilm"}
RUNG = {"method": "LinearProbe", "baseModel": BASE, "profile": "cpu"}
ESTIMATE = EstimateRecord(
    flops=POINTS,
    memory_bytes=POINTS,
    run_seconds=POINTS,
    energy_watt_hours=POINTS,
    operational_grams=POINTS,
    embodied_grams=POINTS,
    carbon_grams=POINTS,
    expected=Decimal(2),
)
RECORD = DecisionRecord(
    software_version="0",
    decided_at=datetime(2026, 1, 1, tzinfo=UTC),
    job_uid="uid",
    generation=1,
    mode=Mode.AUTO,
    optimize_for=OptimizeFor.CARBON,
    reason=DecisionReason.FINE_TUNE_SAVES_CARBON,
    message="",
    resolved={},
    intensity=Intensity(
        zone="WORLD",
        grams_per_kilowatt_hour=Decimal(481),
        method=IntensityMethod.LIFE_CYCLE,
        signal=IntensitySignal.AVERAGE,
        period="2023",
        source="",
    ),
    pue=Decimal(1),
    ladder=(
        CandidateRecord(
            **RUNG,
            estimate=ESTIMATE,
            chance=ChanceRecord(value=Decimal("0.8"), prior=Decimal("0.8"), basis="prior only"),
        ),
    ),
    considered=22,
    rejected={"TaskMismatch": 2, "DigestMissing": 18},
)
ATTEMPT = {
    **RUNG,
    "number": 1,
    "kind": "Train",
    "child": {"kind": "Job", "name": "child"},
    "runSeconds": 40,
    "energyJoules": "7200",
    "carbonGrams": "0.8",
    "outcome": "Met",
    "quality": "0.957",
    "standardError": "0.0043",
    "cpuSeconds": "31.5",
}
TOTALS = {
    "energyJoules": "7200",
    "coverage": "0",
    "operationalGrams": "0.6",
    "embodiedGrams": "0.2",
    "runSeconds": 40,
    "avoided": {"low": "4", "mid": "5", "high": "6", "basis": "Declared", "equalQuality": "Unknown"},
}


def finished(name: str = "newswire-topics", *, met: bool = True, account: str = "True") -> TrainingJob:
    found = jobs([name])[0].job
    assert found is not None
    conditions = [
        _condition("Succeeded", str(met), "ObjectiveMet" if met else "ObjectiveMissed"),
        _condition("Finished", "True", "ObjectiveMet" if met else "ObjectiveMissed"),
        _condition("Accounted", account, "Settled"),
    ]
    status = {
        "conditions": conditions,
        "attempts": [ATTEMPT],
        "result": {"attempt": 1, "quality": "0.957", "met": met},
        "totals": TOTALS,
        "summary": {"state": "ObjectiveMet" if met else "ObjectiveMissed"},
    }
    return TrainingJob.model_validate({**found.wire(), "status": status})


def seen(name: str = "newswire-topics", *, met: bool = True) -> Figures:
    return figures(finished(name, met=met), {1: RECORD})


def test_figures_are_those_of_the_status() -> None:
    found = seen()
    assert found.energy_watt_hours == 2
    assert found.carbon_grams == Decimal("0.8")
    assert found.cpu_seconds == Decimal("31.5")
    assert ran(found) == ["LinearProbe of minilm: Met 0.957 ±0.004"]
    assert found.line == "ObjectiveMet: LinearProbe of minilm, Accuracy 0.957, target 0.94"


def test_what_was_expected_is_what_the_attempt_s_own_decision_said() -> None:
    later = RECORD.model_copy(update={"ladder": ()})
    found = figures(finished(), {1: RECORD, 2: later})
    assert found.decided == "LinearProbe of minilm"
    assert found.attempts[0].expected == ESTIMATE
    assert figures(finished(), {}).attempts[0].expected is None


def test_a_job_without_status_has_no_figures_instead_of_zeros() -> None:
    found = figures(finished().model_copy(update={"status": None}), {})
    assert (found.energy_watt_hours, found.cpu_seconds, found.quality) == (None, None, None)
    assert found.decided == "nothing"
    assert rejections(found) == "newswire-topics: none rejected"
    assert "newswire-topics" in _text(decisions([found]))


def test_a_control_that_missed_is_shown_as_missed() -> None:
    control = seen("newswire-topics-control", met=False)
    assert verdict(control) == "missed"
    assert "missed" in _text(comparison(control, seen()))


@pytest.mark.parametrize(
    ("name", "met", "succeeded"),
    [("newswire-topics", True, True), ("newswire-topics", False, False), ("newswire-topics-control", False, True)],
)
def test_the_demo_succeeds_unless_a_job_that_may_substitute_fails(name: str, met: bool, succeeded: bool) -> None:
    assert Outcome((seen(name, met=met),)).succeeded is succeeded


@pytest.mark.parametrize(("account", "over"), [("True", True), ("False", False), ("Unknown", False)])
def test_a_job_is_over_when_it_is_finished_and_accounted(account: str, over: bool) -> None:
    assert accounted(finished(account=account)) is over


def test_progress_names_the_attempt_and_the_state() -> None:
    assert now(finished()).startswith("attempt 1, LinearProbe of minilm: ObjectiveMet")


def test_rejections_are_counted_largest_first() -> None:
    assert rejections(seen()) == "newswire-topics: of 22 looked at, DigestMissing 18, TaskMismatch 2"


def test_tables_show_the_decision_beside_its_outcome() -> None:
    shown = _text(decisions([seen()]))
    assert "FineTuneSavesCarbon" in shown
    assert "Met 0.957 ±0.004" in shown


def test_costs_stand_above_what_was_expected() -> None:
    lines = _text(costs([seen()])).splitlines()
    row = next(number for number, line in enumerate(lines) if "31.5" in line)
    assert "2.00" in lines[row]
    assert "1.00 to 3.00" in lines[row + 1]


def test_a_saving_names_its_basis() -> None:
    shown = _text(savings([seen()]))
    assert "5.00 (4.00 to 6.00)" in shown
    assert "Declared: the job's own plan" in shown


def test_a_saving_against_a_control_names_the_control_s_report() -> None:
    saved = AvoidedStatus(
        low=Decimal(1), mid=Decimal(2), high=Decimal(3), basis=Basis.MEASURED, equal_quality="Yes", control="report"
    )
    assert compared_with(saved) == "Measured: the control's report report"


def test_a_control_that_missed_is_named_beside_the_plan_that_is_compared_with() -> None:
    saved = AvoidedStatus(
        low=Decimal(1), mid=Decimal(2), high=Decimal(3), basis=Basis.DECLARED, equal_quality="No", control="report"
    )
    assert compared_with(saved) == (
        "Declared: the job's own plan from scratch, not run; the control report missed the target"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0, "0"), (Decimal("0.012345"), "0.0123"), (4.5678, "4.57"), (12.34, "12.3"), (1234, "1,230")],
)
def test_numbers_have_three_significant_digits(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_an_interval_shows_its_outer_points() -> None:
    assert interval(Interval(low=Decimal(1), mid=Decimal(2), high=Decimal(3))) == "1.00 to 3.00"
    assert interval(None) == "-"


def test_a_quality_shows_its_standard_error_when_known() -> None:
    assert quality(Decimal("0.95"), Decimal("0.004")) == "0.950 ±0.004"
    assert quality(None) == "-"


@pytest.mark.parametrize(("one", "other", "shown"), [(10, 2, "1/5.0"), (2, 5, "2.5 x"), (None, 1, "-"), (0, 1, "-")])
def test_a_ratio_says_which_way_it_goes(one: float | None, other: float | None, shown: str) -> None:
    assert ratio(one, other) == shown


def test_avoided_carbon_shows_its_bounds() -> None:
    saved = AvoidedStatus(
        low=Decimal(1), mid=Decimal(2), high=Decimal(3), basis=Basis.DECLARED, equal_quality="Unknown"
    )
    assert avoided(saved) == "2.00 (1.00 to 3.00)"
    assert avoided(None) == "-"


def test_an_answer_of_prometheus_becomes_samples() -> None:
    answer = {"status": "success", "data": {"result": [{"metric": {"grade": "Modelled"}, "value": [0, "12.5"]}]}}
    assert parse(answer) == (Sample({"grade": "Modelled"}, 12.5),)


def test_a_refused_query_is_an_error_with_prometheus_s_words() -> None:
    with pytest.raises(ValueError, match="parse error"):
        parse({"status": "error", "error": "parse error"})


def test_a_question_without_an_answer_is_shown_as_such() -> None:
    assert "no answer yet" in answer(QUESTIONS[0], ())


def test_an_answer_stands_below_its_question() -> None:
    shown = answer(QUESTIONS[0], (Sample({"grade": "Modelled", "component": "cpu"}, 12.5),)).splitlines()
    assert shown[:2] == [QUESTIONS[0].words, f"  {QUESTIONS[0].expression}"]
    assert shown[2].strip() == '{component="cpu", grade="Modelled"} 12.5'


def test_helm_gets_the_images_that_were_built() -> None:
    arguments = helm_arguments("coppice.dev/operator:0a1b", "coppice.dev/trainer:2c3d")
    assert "image.repository=coppice.dev/operator" in arguments
    assert "trainer.image.tag=2c3d" in arguments
    assert "--wait=legacy" in arguments


def _condition(kind: str, status: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-01-01T00:00:00Z"}


def _text(table: object) -> str:
    console = Console(width=200, record=True, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        console.print(table)
    return captured.get()
