"""Chances: what raises and lowers a prior, and how reports move it."""

from decimal import Decimal

import pytest

from builders import JobBuilder, ModelBuilder, ReportBuilder, make_job, make_model, make_policy, make_report
from coppice.api.decision import ChanceRecord
from coppice.api.meta import BaseModelReference
from coppice.api.trainingjob_status import ProbedModel
from coppice.api.vocabulary import Method
from coppice.planning.board import set_up
from coppice.planning.chance import Chances
from coppice.planning.counterfactual import scratch_candidate
from coppice.planning.evidence import evidence
from coppice.planning.outcomes import METHODS
from coppice.planning.survey import survey
from worlds import Case, decided

JOB, MODEL = make_job().scratch(), make_model()
NAME = "all-minilm-l6-v2"
KEY = f"ClusterBaseModel/{NAME}"
SEEN = ProbedModel(
    base_model=BaseModelReference(name=NAME),
    linear_quality=Decimal("0.97"),
    neighbour_quality=Decimal("0.9"),
    examples=300,
    sample=512,
)


def chances(job: JobBuilder = JOB, model: ModelBuilder = MODEL, *reports: ReportBuilder) -> dict[str, ChanceRecord]:
    ask = Case(job, [model], reports=reports).request
    board = set_up(ask, survey(ask), scratch_candidate(ask))
    found = {placed.candidate.method.value: placed.chance.record() for placed in map(board.placed, board.rungs)}
    return found | {"FromScratch": board.placed(board.last).chance.record()}


def probe(job: JobBuilder = JOB, model: ModelBuilder = MODEL, *reports: ReportBuilder) -> float:
    return float(chances(job, model, *reports)["LinearProbe"].value)


HEADED = MODEL.head("text-classification", *"abcdefgh")


@pytest.mark.parametrize(
    ("likelier", "less_likely"),
    [
        (probe(model=MODEL.architecture(parameters=10**8)), probe()),
        (probe(model=MODEL.domains("text/news")), probe()),
        (probe(model=MODEL.domains("text")), probe(model=MODEL.domains("code"))),
        (probe(), probe(JOB.languages("en", "fr"))),
        (probe(), probe(model=MODEL.languages())),
        (probe(), probe(JOB.target("0.99"))),
        (probe(JOB.target("0.5")), probe()),
        (probe(), probe(JOB.dataset(examples=400))),
    ],
    ids=["size", "domain", "wrong domain", "languages", "language unknown", "harder", "easier", "less data"],
)
def test_a_prior_rises_and_falls_with(likelier: float, less_likely: float) -> None:
    assert likelier > less_likely


def test_an_unknown_domain_is_no_evidence() -> None:
    assert probe(JOB.domains("text/astrology")) == probe(JOB.domains())


def test_methods_that_train_more_are_likelier() -> None:
    found = chances()
    values = [found[name].value for name in ("LinearProbe", "LoRA", "FullFineTune")]
    assert values == sorted(values)


def test_a_recorded_evaluation_on_this_very_data_decides_about_the_model_as_it_is() -> None:
    on_it = HEADED.evaluation("text-classification", "0.97", dataset="pvc://corpora/r8/train.parquet")
    elsewhere = HEADED.evaluation("text-classification", "0.97", dataset="sst2")
    as_is = [chances(JOB, model)["AsIs"].value for model in (on_it, elsewhere, HEADED)]
    assert as_is[0] > as_is[1] == as_is[2]


def test_without_reports_it_says_prior_only() -> None:
    found = chances()["LinearProbe"]
    assert (found.observations, found.basis, found.value) == (0, "prior only", found.prior)


def met(name: str, outcome: str = "Met", method: str = "LinearProbe", **fields: object) -> ReportBuilder:
    report = make_report(name).of(JOB.named(name).build()).set("spec.jobUid", name)
    return report.attempt(method, outcome, NAME if method != "FromScratch" else None, **fields)


def test_reports_of_the_same_namespace_move_a_chance_and_are_counted() -> None:
    found = chances(JOB, MODEL, *(met(f"r{n}") for n in range(4)))
    assert found["LinearProbe"].value > found["LinearProbe"].prior
    assert found["LinearProbe"].observations == 4
    assert "4 of this namespace" in found["LinearProbe"].basis
    assert found["LoRA"].observations == 0
    assert probe(JOB, MODEL, met("r", "Missed")) < probe()


@pytest.mark.parametrize("reports", [(), (met("r"), met("s", "Missed", "LoRA"))], ids=["prior only", "with reports"])
@pytest.mark.parametrize("model", [MODEL, HEADED.domains("text/news"), MODEL.languages()])
@pytest.mark.parametrize("probed", [{}, {KEY: SEEN}], ids=["not probed", "probed"])
def test_what_is_compared_is_what_is_shown_to_the_last_digit(
    model: ModelBuilder, reports: tuple[ReportBuilder, ...], probed: dict[str, ProbedModel]
) -> None:
    ask = Case(JOB, [model], reports=reports).request
    told, registered = Chances(ask, evidence(ask), probed), next(iter(ask.world.catalogue))
    on = registered, registered.network(ask.spec.task), 1, 0.5
    assert told.values(METHODS, *on) == [told.of(method, *on).value for method in METHODS]


def test_scratch_learns_too() -> None:
    found = chances(JOB, MODEL, met("r", "Met", "FromScratch"))
    assert found["FromScratch"].value > found["FromScratch"].prior


def test_the_prior_is_worth_four_jobs() -> None:
    prior = float(chances()["LinearProbe"].prior)
    assert probe(JOB, MODEL, met("r")) == pytest.approx((4 * prior + 1) / 5, abs=1e-3)


def test_one_job_is_one_observation_for_each_rung() -> None:
    twice = met("r", "Missed").attempt("LinearProbe", "Met", NAME)
    assert chances(JOB, MODEL, twice)["LinearProbe"].observations == 1


def test_on_the_same_data_the_quality_is_held_against_this_target() -> None:
    reached = met("r", "Met", quality="0.96")
    assert probe(JOB.target("0.97"), MODEL, reached.set("spec.request.objective.target", "0.95")) < probe(
        JOB.target("0.97")
    )
    assert probe(JOB.target("0.95"), MODEL, met("s", "Missed", quality="0.96")) > probe()


def test_other_data_and_other_namespaces_count_less() -> None:
    here = probe(JOB, MODEL, met("r"))
    other_data = probe(JOB, MODEL, met("r").set("spec.request.dataset.uri", "pvc://corpora/r52/train.parquet"))
    elsewhere = probe(JOB, MODEL, met("r").namespace("sales"))
    assert here > other_data > elsewhere > probe()


def test_other_namespaces_together_are_capped() -> None:
    few, many = (
        probe(JOB, MODEL, *(met(f"r{n}", "Missed").namespace("sales") for n in range(count))) for count in (8, 80)
    )
    assert few == many
    assert few > probe(JOB, MODEL, *(met(f"r{n}", "Missed") for n in range(8)))


@pytest.mark.parametrize(
    "report",
    [
        met("r", evidence="SelfReported"),
        met("r", "OutOfMemory"),
        met("r", "NoResult"),
        met("r").set("spec.request.task", "token-classification"),
        met("r").set("spec.request", None),
        met("r").set("spec.jobUid", make_job().build().metadata.uid),
    ],
    ids=["self-reported", "out of memory", "no result", "other task", "no request", "this job itself"],
)
def test_what_teaches_nothing_is_not_counted(report: ReportBuilder) -> None:
    assert chances(JOB, MODEL, report)["LinearProbe"].observations == 0


def test_a_policy_can_turn_learning_off_and_keep_other_namespaces_out() -> None:
    reports = [met("r"), met("s").namespace("sales")]
    counts = {}
    for learning in ("All", "OwnNamespace", "Off"):
        policy = make_policy().set("spec.learning", learning)
        ask = Case(JOB, [MODEL], reports=reports, policies=[policy]).request
        board = set_up(ask, survey(ask), scratch_candidate(ask))
        (found,) = (one for one in map(board.placed, board.rungs) if one.candidate.method is Method.LINEAR_PROBE)
        counts[learning] = found.chance.record().observations
    assert counts == {"All": 2, "OwnNamespace": 1, "Off": 0}


def saying(chance: str) -> str:
    """The record of a decision that gave LinearProbe this chance."""
    record = decided(JOB.methods("LinearProbe"), MODEL)
    probing = record.ladder[0]
    said = probing.model_copy(update={"chance": probing.chance.model_copy(update={"value": Decimal(chance)})})
    return record.model_copy(update={"ladder": (said,), "candidates": ()}).encoded()


def recorded_attempts(*, forecast_well: bool) -> list[ReportBuilder]:
    """Twenty jobs on other data whose decision said 0.9 or 0.1, and what came out."""
    good, bad = (
        met(outcome, outcome)
        .set("spec.decisionRecord", saying("0.9" if (outcome == "Met") is forecast_well else "0.1"))
        .set("spec.request.dataset.uri", "pvc://corpora/other/train.parquet")
        for outcome in ("Met", "Missed")
    )
    return [good, bad] * 10


def test_chances_that_beat_no_base_rate_change_nothing_and_the_decision_says_so() -> None:
    near, large = MODEL.domains("text/news"), make_model("twice").architecture(parameters=45 * 10**6)
    job = JOB.methods("LinearProbe")
    poor, good = (decided(job, near, large, reports=recorded_attempts(forecast_well=well)) for well in (False, True))
    assert [(rung.base_model, rung.chance) for rung in poor.ladder] == [
        (rung.base_model, rung.chance) for rung in good.ladder
    ]
    assert "domain" in poor.ladder[0].chance.inputs
    assert "no better than the base rate: Brier score 0.810" in poor.message
    assert poor.chance_score is not None
    assert poor.chance_score.statement.endswith(f"ranked by size: twice, {NAME}")


def test_chances_that_beat_the_base_rate_stay_as_they_are() -> None:
    record = decided(JOB, MODEL, reports=recorded_attempts(forecast_well=True))
    assert "domain" in record.ladder[0].chance.inputs
    assert "better than the base rate: Brier score 0.010" in record.message


def test_other_rungs_on_the_same_data_say_how_hard_it_is() -> None:
    untouched = float(chances()["LoRA"].value)
    hard, easy = (chances(JOB, MODEL, *[met("r", outcome)] * 3)["LoRA"] for outcome in ("Missed", "Met"))
    assert float(hard.value) < untouched < float(easy.value)
    assert (easy.observations, easy.basis) == (0, "prior and reports: 3 of other rungs")


def test_other_rungs_on_other_data_count_less_and_neither_counts_for_more_than_a_job() -> None:
    elsewhere = met("r").set("spec.request.dataset.uri", "pvc://corpora/r52/train.parquet")
    prior = float(chances()["LoRA"].prior)
    for report, few in ((met("r"), 0.25), (elsewhere, 0.1)):
        one, many = (float(chances(JOB, MODEL, *[report] * count)["LoRA"].value) for count in (1, 50))
        assert one == pytest.approx((4 * prior + few) / (4 + few), abs=1e-3)
        assert many == pytest.approx((4 * prior + 1) / 5, abs=1e-3)


def test_what_is_known_of_the_rung_itself_outweighs_the_others() -> None:
    """Misses of the rung against as many successes of another."""
    both = [met("r", "Missed"), met("s", "Met", "LoRA")] * 3
    assert probe(JOB, MODEL, *both) < probe()
