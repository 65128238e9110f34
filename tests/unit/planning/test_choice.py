"""What the modes make of the ladder, and every refusal."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_job, make_model, make_policy, make_profile, make_report
from coppice.accounting.control import fingerprint
from coppice.api.decision import DecisionRecord, SpentRecord
from coppice.api.reasons import AttemptOutcome, DecisionReason, StateReason
from coppice.api.vocabulary import Basis, Mode
from coppice.planning.choice import SELDOM
from worlds import Case, decided, refused, rungs, tried

JOB, MODEL = make_job().scratch(), make_model()
PROBE = JOB.methods("LinearProbe")
DEAR = make_model("llama-3.2-1b").architecture(
    family="llama", parameters=1235814400, embeddingParameters=262668288, layers=16, hiddenSize=2048
)
BIG = make_profile().host(memory="64Gi")


def test_auto_tries_the_base_model_first_and_scratch_last() -> None:
    record = decided(PROBE, MODEL)
    assert rungs(record) == ["LinearProbe all-minilm-l6-v2", "FromScratch"]
    assert record.reason == DecisionReason.FINE_TUNE_SAVES_CARBON
    assert record.counterfactual is not None
    assert record.counterfactual.basis is Basis.DECLARED
    assert record.expected_saving_grams is not None
    assert record.expected_saving_grams.mid > 0


@pytest.mark.parametrize(
    ("unit", "reason"),
    [("Carbon", "FineTuneSavesCarbon"), ("Energy", "FineTuneSavesEnergy"), ("Time", "FineTuneSavesTime")],
)
def test_the_reason_names_the_unit(unit: str, reason: str) -> None:
    assert decided(PROBE.optimize_for(unit), MODEL).reason == reason


def test_plans_are_compared_by_money_where_profiles_have_prices() -> None:
    record = decided(PROBE.optimize_for("Cost"), MODEL, profiles=[make_profile().price("0.05")])
    assert record.reason == DecisionReason.FINE_TUNE_SAVES_COST
    assert record.ladder[0].estimate.cost is not None
    assert record.ladder[0].estimate.expected < record.ladder[1].estimate.expected


def test_money_without_prices_is_refused() -> None:
    assert "pricePerHour" in refused(PROBE.optimize_for("Cost"), MODEL).message


def test_a_large_model_that_costs_more_than_scratch_is_not_tried() -> None:
    record = decided(JOB.methods("LoRA"), DEAR, profiles=[BIG])
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.SCRATCH_IS_CHEAPER)
    assert [one.base_model.name for one in record.candidates if one.base_model] == ["llama-3.2-1b"]


def test_a_saving_below_the_policy_s_minimum_is_not_worth_it() -> None:
    record = decided(PROBE, MODEL, policies=[make_policy().minimum_saving(90)])
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.SAVING_BELOW_MINIMUM)


def test_auto_without_a_fitting_model_trains_from_scratch() -> None:
    record = decided(JOB, MODEL.languages("de"))
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.NO_BASE_MODEL_FITS)
    assert record.rejected == {"LanguageMismatch": 1}
    assert "all-minilm-l6-v2" in record.rejections["LanguageMismatch"]


def test_auto_without_a_scratch_plan_tries_base_models_alone() -> None:
    record = decided(make_job().methods("LinearProbe"), MODEL)
    assert (rungs(record), record.reason) == (["LinearProbe all-minilm-l6-v2"], DecisionReason.NO_SCRATCH_PLAN)
    assert record.counterfactual is not None
    assert record.counterfactual.basis is Basis.ASSUMED


def test_recommend_trains_from_scratch_and_records_what_was_forgone() -> None:
    record = decided(PROBE.mode("Recommend"), MODEL)
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.RECOMMENDED_ONLY)
    assert record.forgone is not None
    assert record.forgone.base_model is not None
    assert record.expected_saving_grams is not None
    assert "Forgone" in record.message


def test_recommend_with_nothing_better_forgoes_nothing() -> None:
    record = decided(JOB.methods("LoRA").mode("Recommend"), DEAR, profiles=[BIG])
    assert (record.forgone, record.expected_saving_grams) == (None, None)


def test_auto_without_a_target_only_advises() -> None:
    record = decided(PROBE.target(None), MODEL)
    assert "Auto only advises without objective.target" in record.message
    assert "Auto only" not in decided(PROBE.target(None).mode("Recommend"), MODEL).message
    assert (rungs(record), record.mode, record.reason) == (
        ["FromScratch"],
        Mode.RECOMMEND,
        DecisionReason.RECOMMENDED_ONLY,
    )


def test_require_never_trains_from_scratch() -> None:
    record = decided(PROBE.mode("Require"), MODEL)
    assert (rungs(record), record.reason) == (["LinearProbe all-minilm-l6-v2"], DecisionReason.SUBSTITUTION_REQUIRED)


def test_never_looks_at_no_base_model() -> None:
    record = decided(JOB.mode("Never"), MODEL)
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.SUBSTITUTION_OFF)
    assert (record.considered, record.candidates) == (0, ())


NO_TARGET = make_job().target(None)


@pytest.mark.parametrize(
    ("job", "policy", "reason", "said"),
    [
        (NO_TARGET, {}, StateReason.NO_TARGET, "objective.target"),
        (NO_TARGET.scratch(), {"mode": "Require"}, StateReason.NO_TARGET, "policy default"),
        (make_job(), {"mode": "Never"}, StateReason.NO_SCRATCH_PLAN, "policy default"),
        (make_job(), {"mode": "Recommend"}, StateReason.NO_SCRATCH_PLAN, "fromScratch"),
        (make_job().languages("de"), {}, StateReason.NO_BASE_MODEL_FITS, "LanguageMismatch 1"),
        (JOB.languages("de").mode("Require"), {}, StateReason.NO_BASE_MODEL_FITS, "knows none of de"),
        (JOB.dataset(license="cc-by-nc-4.0"), {}, StateReason.INVALID_SPEC, "dataset.license"),
        (JOB.resources(profiles=["other"]), {}, StateReason.NO_PROFILE, "ComputeProfile"),
        (JOB.mode("Never").resources(memory="10Mi"), {}, StateReason.NO_PROFILE, "job's resources.memory (10Mi) has"),
        (JOB.mode("Never").task("summarization"), {}, StateReason.INVALID_SPEC, "trainer.container"),
        (JOB.mode("Never").limits(runSeconds=5), {}, StateReason.LIMITS_TOO_TIGHT, "limits.runSeconds"),
        (JOB.limits(energyWattHours=1, runSeconds=5), {}, StateReason.LIMITS_TOO_TIGHT, "raise the limit"),
        (JOB.limits(runSeconds=5), {}, StateReason.LIMITS_TOO_TIGHT, "LinearProbe on all-minilm-l6-v2 may need"),
        (make_job().limits(runSeconds=5), {}, StateReason.LIMITS_TOO_TIGHT, "limits.runSeconds"),
    ],
)
def test_what_cannot_run_is_refused_with_what_would_help(job, policy, reason, said) -> None:  # type: ignore[no-untyped-def]
    outcome = refused(job, MODEL, policies=[make_policy().defaults(**policy)] if policy else ())
    assert outcome.reason == reason
    assert said in outcome.message


def test_without_any_profile_there_is_nothing_to_decide() -> None:
    case = Case(JOB, [MODEL])
    ask = case.request
    bare = type(ask.world)(ask.world.catalogue, (), ask.world.intensity, "DE", Decimal(1))
    object.__setattr__(ask, "world", bare)
    from coppice.planning.choice import impossible

    refusal = impossible(ask)
    assert refusal is not None
    assert refusal.reason == StateReason.NO_PROFILE


def control(**fields: str):  # type: ignore[no-untyped-def]
    report = make_report("control").of(PROBE.mode("Never").build()).fingerprint(fingerprint(PROBE.build().spec))
    return report.result("0.96", met=True).totals("36000", "9.9", "0.5", **fields)


def test_a_control_of_the_namespace_that_met_the_target_is_measured() -> None:
    record = decided(PROBE, MODEL, reports=[control()], grams="400")
    compared = record.counterfactual
    assert compared is not None
    assert (compared.basis, compared.report) == (Basis.MEASURED, "control")
    assert compared.estimate.energy_watt_hours.mid == 10
    assert compared.estimate.operational_grams.mid == 4
    assert compared.estimate.carbon_grams.low == compared.estimate.carbon_grams.high == Decimal("4.5")


@pytest.mark.parametrize(
    "report",
    [control().namespace("sales"), control().result("0.5", met=False), control().fingerprint("sha256:" + "0" * 64)],
    ids=["other namespace", "missed", "other job"],
)
def test_other_reports_measure_nothing(report) -> None:  # type: ignore[no-untyped-def]
    compared = decided(PROBE, MODEL, reports=[report]).counterfactual
    assert compared is not None
    assert compared.basis is Basis.DECLARED


def test_a_cheap_control_shows_that_scratch_is_cheaper() -> None:
    assert decided(PROBE, MODEL, reports=[control(energyJoules="1", embodiedGrams="0")]).reason == "ScratchIsCheaper"


def test_a_limit_that_only_scratch_breaks_leaves_base_models() -> None:
    roomy = decided(PROBE, MODEL)
    most = int(roomy.ladder[0].estimate.run_seconds.high) + 1
    record = decided(PROBE.limits(runSeconds=most), MODEL)
    assert (rungs(record), record.reason) == (["LinearProbe all-minilm-l6-v2"], DecisionReason.SCRATCH_EXCEEDS_LIMITS)


def test_a_limit_that_holds_scratch_but_not_both_leaves_scratch() -> None:
    scratch = decided(PROBE, MODEL).ladder[1].estimate.run_seconds
    record = decided(PROBE.limits(runSeconds=int(scratch.high) + 2), MODEL)
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.NO_ROOM_TO_TRY)


def test_scratch_that_fits_no_memory_leaves_base_models() -> None:
    big = PROBE.scratch(hidden_size=4096, num_hidden_layers=48, intermediate_size=16384)
    record = decided(big, MODEL)
    assert (rungs(record), record.reason) == (["LinearProbe all-minilm-l6-v2"], DecisionReason.SCRATCH_CANNOT_RUN)
    assert "memory" in record.message


def test_one_attempt_is_left_to_scratch() -> None:
    record = decided(PROBE.max_attempts(1), MODEL)
    assert (rungs(record), record.reason) == (["FromScratch"], DecisionReason.NO_ROOM_TO_TRY)


def after(*attempts: object, job=JOB, count: int = 1):  # type: ignore[no-untyped-def]
    spent = SpentRecord(train_attempts=count, run_seconds=100)
    return Case(job, [MODEL], tried=attempts, spent=spent).decide()  # type: ignore[arg-type]


def test_after_a_miss_the_rest_is_decided_again() -> None:
    record = after(tried("LinearProbe", "all-minilm-l6-v2"))
    assert isinstance(record, DecisionRecord)
    assert "LinearProbe all-minilm-l6-v2" not in rungs(record)
    assert rungs(record)[-1] == "FromScratch"


def test_a_miss_of_one_method_marks_down_the_others_of_its_base_model() -> None:
    def full(record) -> Decimal:  # type: ignore[no-untyped-def]
        return next(one.chance.value for one in record.candidates if one.method == "FullFineTune")

    fresh = decided(JOB, MODEL)
    assert full(after(tried("LinearProbe", "all-minilm-l6-v2"))) < full(fresh)
    broken = tried("LinearProbe", "all-minilm-l6-v2", AttemptOutcome.FAILED)
    assert full(after(broken)) == full(fresh)


def test_an_attempt_that_is_not_over_is_not_tried_yet() -> None:
    record = after(tried("LinearProbe", "all-minilm-l6-v2", AttemptOutcome.RUNNING), job=PROBE)
    assert rungs(record)[0] == "LinearProbe all-minilm-l6-v2"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (AttemptOutcome.MISSED, StateReason.OBJECTIVE_MISSED),
        (AttemptOutcome.NO_RESULT, StateReason.NO_RESULT),
        (AttemptOutcome.FAILED, StateReason.ATTEMPT_FAILED),
        (AttemptOutcome.OUT_OF_MEMORY, StateReason.OUT_OF_MEMORY),
    ],
)
def test_a_job_out_of_rungs_ends_as_its_last_attempt_did(outcome: AttemptOutcome, reason: StateReason) -> None:
    outcome_of = after(tried("FromScratch", None, outcome), job=JOB.mode("Never"))
    assert outcome_of.reason == reason  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["Auto", "Recommend"])
def test_after_scratch_no_candidate_is_said_to_be_left(mode: str) -> None:
    outcome = after(tried("FromScratch", None), job=JOB.mode(mode))
    assert outcome.message == "no rung is left"  # type: ignore[union-attr]


def test_a_job_out_of_attempts_ends() -> None:
    outcome = after(tried("LinearProbe", "all-minilm-l6-v2"), job=PROBE.max_attempts(1), count=1)
    assert outcome.reason == StateReason.OBJECTIVE_MISSED  # type: ignore[union-attr]


def test_a_base_model_fails_alone_where_there_is_no_scratch_plan() -> None:
    missed = tried("LinearProbe", "all-minilm-l6-v2")
    outcome = after(missed, job=make_job().methods("LinearProbe"))
    assert outcome.reason == StateReason.OBJECTIVE_MISSED  # type: ignore[union-attr]


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from([[], ["LinearProbe"], ["LoRA", "LinearProbe"]]),
    st.integers(0, 60),
    st.sampled_from([None, 10**6, 10**9]),
    st.sampled_from([[], ["Apache-2.0"], ["MIT"]]),
)
def test_a_stricter_policy_never_lets_more_be_tried(methods, saving, size, denied) -> None:  # type: ignore[no-untyped-def]
    strict = make_policy("b").methods(*methods).minimum_saving(saving).deny_licenses(*denied)
    strict = strict.set("spec.maxParameters", size)
    free, bound = decided(JOB, MODEL, DEAR), decided(JOB, MODEL, DEAR, policies=[make_policy("a"), strict])
    assert {(one.method, str(one.base_model)) for one in bound.candidates} <= {
        (one.method, str(one.base_model)) for one in free.candidates
    }


def test_limitations_and_obligations_of_the_ladder_are_told_and_awaited_where_a_policy_says_so() -> None:
    model = MODEL.limitations("Trained on English web text.").license("LicenseRef-llama3.1")
    job = PROBE.dataset(license=None)
    told = decided(job, model)
    assert told.limitations == ("all-minilm-l6-v2: Trained on English web text.",)
    assert any("Built with Llama" in text for text in told.obligations)
    assert any(text.startswith("data:") for text in told.obligations)
    assert told.unacknowledged == ()
    strict = [make_policy().require_acknowledgement()]
    asked = decided(job, model, policies=strict)
    assert asked.unacknowledged == (*asked.limitations, *asked.obligations)
    assert decided(job.acknowledge(*asked.unacknowledged), model, policies=strict).unacknowledged == ()


def test_a_job_that_uses_no_base_model_has_nothing_to_acknowledge() -> None:
    record = decided(JOB.mode("Never").dataset(license=None), MODEL, policies=[make_policy().require_acknowledgement()])
    assert record.unacknowledged == ()


def test_a_model_that_met_the_target_on_this_very_data_is_evaluated_as_it_is_first() -> None:
    headed = MODEL.head("text-classification", *"abcdefgh")
    proven = headed.evaluation("text-classification", "0.97", dataset="pvc://corpora/r8/train.parquet")
    assert rungs(decided(JOB, proven))[0] == "AsIs all-minilm-l6-v2"
    assert rungs(decided(JOB.max_attempts(1), proven)) == ["AsIs all-minilm-l6-v2", "FromScratch"]


@pytest.mark.parametrize("method", ["LinearProbe", "LoRA", "FullFineTune"])
def test_a_job_may_name_its_method(method: str) -> None:
    record = decided(make_job().methods(method), MODEL)
    assert rungs(record) == [f"{method} all-minilm-l6-v2"]


def test_a_method_that_no_trainer_has_is_not_chosen() -> None:
    assert refused(make_job().methods("QLoRA"), MODEL).reason == StateReason.NO_BASE_MODEL_FITS
    own = make_job().methods("QLoRA").template().set("spec.trainer.fineTuneWith", "Template").mode("Require")
    assert rungs(decided(own, MODEL)) == ["QLoRA all-minilm-l6-v2"]


def test_a_scratch_plan_that_is_cheap_because_it_seldom_succeeds_is_no_saving() -> None:
    few = make_job().dataset(examples=80, labels=8).scratch(epochs=3)
    record = decided(few, make_model())
    assert record.reason is DecisionReason.SCRATCH_SELDOM_SUFFICES
    assert len(record.ladder) > 1
    assert float(record.ladder[-1].chance.value) < SELDOM
