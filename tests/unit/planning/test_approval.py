"""Thresholds name their numbers and owners; a yes covers what was shown, and nothing that was not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from builders import PolicyBuilder, make_job, make_model, make_policy, make_profile
from coppice.api.decision import DecisionRecord, SpentRecord
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.planning.approval import (
    approval_needed,
    approval_of,
    demands,
    justification_needed,
    not_covered,
    plan_high,
    scratch_high,
)
from coppice.planning.policy import resolve
from coppice.planning.resolved import Resolved
from worlds import NOW, decided, tried

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
JOB = make_job().methods("LinearProbe").scratch(epochs=30, **PLAN)


@pytest.fixture(scope="module")
def record() -> DecisionRecord:
    """A linear probe, then from scratch, on a profile with a price."""
    return decided(JOB, make_model(), profiles=[make_profile().set("spec.pricePerHour", "0.05")])


def rules(policy: PolicyBuilder) -> Resolved:
    return resolve(make_job().build().spec, [policy.build()], TrainingPolicySpec())


def test_a_plan_is_judged_by_the_high_estimates_of_its_whole_ladder_and_what_was_spent(record: DecisionRecord) -> None:
    high = plan_high(record)
    first, last = (rung.estimate for rung in record.ladder)
    assert high.energy_watt_hours == first.energy_watt_hours.high + last.energy_watt_hours.high
    assert high.cost == first.cost.high + last.cost.high
    spent = SpentRecord(energy_watt_hours=Decimal(5), cost=Decimal(2))
    later = record.model_copy(update={"ladder": record.ladder[1:], "spent": spent})
    assert plan_high(later).energy_watt_hours == last.energy_watt_hours.high + 5
    assert plan_high(later).cost == last.cost.high + 2


def test_the_price_of_the_data_is_counted_once_for_the_whole_plan_and_what_was_spent() -> None:
    profiles = [make_profile().set("spec.pricePerHour", "0.05")]
    free, dear = (decided(job, make_model(), profiles=profiles) for job in (JOB, JOB.dataset(price="1000")))
    assert float(plan_high(dear).cost or 0) == pytest.approx(1000 + float(plan_high(free).cost or 0), abs=1)
    later = dear.model_copy(update={"ladder": dear.ladder[1:], "spent": SpentRecord(cost=Decimal(1002))})
    assert float(plan_high(later).cost or 0) == pytest.approx(1002, abs=1)
    assert not_covered(dear, later.model_copy(update={"spent": SpentRecord(cost=Decimal(1000))})) is None


def test_the_licence_of_a_base_model_is_counted_once_for_all_its_rungs_and_what_was_spent() -> None:
    case: dict[str, Any] = {"profiles": [make_profile().set("spec.pricePerHour", "0.05")]}
    job, model = JOB.methods("LinearProbe", "FullFineTune").max_attempts(3), make_model()
    licensed = model.set("spec.pricePerJob", "1000")
    free, dear = (decided(job, one, **case) for one in (model, licensed))
    assert [rung.method for rung in dear.ladder] == ["LinearProbe", "FullFineTune", "FromScratch"]
    assert float(plan_high(dear).cost or 0) == pytest.approx(1000 + float(plan_high(free).cost or 0), abs=1)
    missed = tried("LinearProbe", "all-minilm-l6-v2")
    paid = SpentRecord(cost=Decimal(1002), train_attempts=1, base_models=(missed.base_model,))
    later = decided(job, licensed, spent=paid, tried=[missed], **case)
    assert [rung.method for rung in later.ladder] == ["FullFineTune", "FromScratch"]
    assert float(plan_high(later).cost or 0) == pytest.approx(1002, abs=1)
    assert later.spent.base_models is None, "a record has no room for names that nobody reads"


def test_scratch_is_judged_by_its_own_rung(record: DecisionRecord) -> None:
    scratch = scratch_high(record)
    assert scratch is not None
    assert scratch.carbon_grams == record.ladder[-1].estimate.carbon_grams.high
    assert scratch_high(record.model_copy(update={"ladder": record.ladder[:1]})) is None


@pytest.mark.parametrize("amount", ["energyWattHours", "carbonGrams", "cost"])
def test_only_what_is_above_a_threshold_needs_a_yes(record: DecisionRecord, amount: str) -> None:
    at: Any = {"energyWattHours": "energy_watt_hours", "carbonGrams": "carbon_grams", "cost": "cost"}[amount]
    high = getattr(plan_high(record), at)
    over, under = (high + 1, high - 1) if amount == "cost" else (int(high) + 1, int(high))
    text = {amount: str(over) if amount == "cost" else over}
    assert approval_needed(record, rules(make_policy("p").approval_above(**text))) == ()
    [exceeded] = approval_needed(
        record, rules(make_policy("p").approval_above(**{amount: str(under) if amount == "cost" else under}))
    )
    assert exceeded.effect == f"approvalAbove.{amount}"
    sentence = exceeded.sentence(rules(make_policy("p").approval_above(**{amount: under if at != "cost" else "1"})))
    assert f"{float(high):.4g}" in sentence
    assert "(policy p)" in sentence


def test_each_threshold_of_scratch_is_its_own_demand(record: DecisionRecord) -> None:
    resolved = rules(make_policy("p").justification_above(carbonGrams=0).scratch_approval_above(energyWattHours=0))
    assert [one.effect for one in justification_needed(record, resolved)] == ["scratch.justificationAbove.carbonGrams"]
    assert [one.effect for one in approval_needed(record, resolved)] == ["scratch.approvalAbove.energyWattHours"]


def test_money_that_is_not_known_is_above_every_threshold() -> None:
    free = decided(JOB, make_model())
    [exceeded] = approval_needed(free, rules(make_policy("p").approval_above(cost="1000000")))
    assert exceeded.high is None


def test_a_record_says_by_itself_what_its_plan_needs(record: DecisionRecord) -> None:
    assert demands(record) == ()
    strict = [make_policy("p").justification_above(carbonGrams=0).approval_above(cost="0")]
    justify, approve = demands(decided(JOB, make_model(), policies=strict))
    assert justify.startswith("spec.justification: it may use ")
    assert approve.startswith("a TrainingApproval: ")
    assert "approvalAbove.cost (policy p)" in approve


def test_a_plan_that_only_drops_rungs_is_covered_and_one_that_adds_or_exceeds_is_not(record: DecisionRecord) -> None:
    dropped = record.model_copy(update={"ladder": record.ladder[1:]})
    assert not_covered(record, dropped) is None
    assert not_covered(record, record) is None
    assert not_covered(dropped, record) == "the plan has a new rung: LinearProbe of ClusterBaseModel all-minilm-l6-v2"
    high = plan_high(record).energy_watt_hours
    dear = dropped.model_copy(update={"spent": SpentRecord(energy_watt_hours=high)})
    assert "more than the" in str(not_covered(record, dear))


def test_a_yes_to_an_amount_of_money_is_none_to_one_that_nobody_knows(record: DecisionRecord) -> None:
    first, last = record.ladder
    unpriced = last.model_copy(update={"estimate": last.estimate.model_copy(update={"cost": None})})
    assert "money is not known any more" in str(not_covered(record, record.model_copy(update={"ladder": (unpriced,)})))
    assert not_covered(record.model_copy(update={"ladder": (first, unpriced)}), record) is None


def approval(record: DecisionRecord, name: str = "a", **spec: Any) -> TrainingApproval:
    wanted = {"job": "newswire-topics", "jobUid": record.job_uid, "decisionDigest": record.digest, **spec}
    return TrainingApproval.model_validate({"metadata": {"name": name}, "spec": wanted})


def test_an_approval_of_an_earlier_decision_holds_as_long_as_it_covers(record: DecisionRecord) -> None:
    later = record.model_copy(update={"ladder": record.ladder[1:]})
    yes = approval(record)
    assert approval_of(later, [yes], [record], NOW) is yes
    [fault] = approval_of(record, [approval(later)], [later], NOW)  # type: ignore[misc]
    assert "does not cover this decision: the plan has a new rung" in fault


def test_an_approval_holds_until_the_moment_it_expires(record: DecisionRecord) -> None:
    yes = approval(record, expires=(NOW + timedelta(seconds=1)).isoformat())
    assert approval_of(record, [yes], [], NOW) is yes
    later = NOW + timedelta(seconds=1)
    [fault] = approval_of(record, [yes], [], later)  # type: ignore[misc]
    assert approval_of(record, [yes], [], later, used={yes.metadata.name}) is yes
    assert "expired" in fault


def test_one_good_approval_is_enough_and_many_bad_ones_are_told_in_few_words(record: DecisionRecord) -> None:
    bad = [approval(record, f"bad-{number}", jobUid="another") for number in range(9)]
    assert approval_of(record, [*bad, approval(record, "z")], [], NOW).metadata.name == "z"  # type: ignore[union-attr]
    faults = approval_of(record, bad, [], NOW)
    assert isinstance(faults, tuple)
    assert len(faults) == 4
    assert faults[-1] == "and 6 more TrainingApprovals"
