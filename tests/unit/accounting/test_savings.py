"""Avoided carbon: against what, by how much, and when it is negative."""

from decimal import Decimal
from typing import Any

import pytest

from builders import JobBuilder, make_job, make_report
from coppice.accounting.account import Account
from coppice.accounting.control import find_control, fingerprint, met_target
from coppice.accounting.operational import Slot
from coppice.accounting.savings import avoided
from coppice.api.trainingjob_status import AvoidedStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Basis
from uses import NOON, interval, make_counterfactual

JOB = make_job().scratch()


def make_account(
    operational: str = "10", embodied: tuple[str, str, str] = ("1", "2", "4"), joules: str = "90000"
) -> Account:
    """90 kJ at 400 g/kWh are 10 g."""
    slot = Slot(NOON, 900, Decimal(joules), Decimal(operational))
    return Account(parts={("cpu", "Modelled"): Decimal(joules)}, slots=(slot,), embodied_grams=interval(*embodied))  # type: ignore[dict-item]


def make_control(
    met: bool = True, quality: str = "0.953", job: JobBuilder = JOB, name: str = "control-1"
) -> TrainingReport:
    """A control that used 900 kJ when the grid had 200 g/kWh: 50 g, and 20 g embodied."""
    control = job.mode("Never").build()
    report = make_report(name).of(control).fingerprint(fingerprint(control.spec)).result(quality, met)
    return report.totals("900000", "50", "20").build()


def saved(control: TrainingReport | None = None, **changes: Any) -> AvoidedStatus | None:
    values = {"spent": make_account(), "on_substitution": make_account(), "met": True, **changes}
    return avoided(values.pop("counterfactual", make_counterfactual()), control, **values)


def bounds(found: AvoidedStatus | None) -> tuple[Decimal, Decimal, Decimal]:
    assert found is not None
    return found.low, found.mid, found.high


def test_a_met_objective_avoids_the_counterfactual_less_everything_spent() -> None:
    found = saved()
    assert bounds(found) == (60 - 14, 100 - 12, 180 - 11)
    assert found is not None
    assert (found.basis, found.equal_quality) == (Basis.DECLARED, "Unknown")


def test_a_missed_objective_avoids_minus_what_was_spent_on_substitution() -> None:
    found = saved(met=False, spent=make_account("25"))
    assert bounds(found) == (-14, -12, -11)
    assert found is not None
    assert found.equal_quality == "No"


def test_where_scratch_decided_after_all_the_rungs_before_it_were_spent_for_nothing() -> None:
    assert bounds(saved(from_scratch=True, spent=make_account("500"))) == (-14, -12, -11)


def test_a_substitute_dearer_than_scratch_avoids_less_than_nothing() -> None:
    assert bounds(saved(spent=make_account("500"))) == (60 - 504, 100 - 502, 180 - 501)


@pytest.mark.parametrize("changes", [{"on_substitution": None}, {"counterfactual": None}])
def test_nothing_is_avoided_where_nothing_was_substituted_or_nothing_compares(changes: dict[str, Any]) -> None:
    assert saved(**changes) is None


def test_a_control_that_met_the_target_makes_the_saving_measured_at_the_jobs_intensity() -> None:
    found = saved(make_control())
    assert found is not None
    # The control's 900 kJ at the job's 400 g/kWh are 100 g; embodied 20 g with the job's range of 0.5 to 2.
    assert bounds(found) == (100 + 10 - 11, 100 + 20 - 12, 100 + 40 - 14)
    assert (found.basis, found.equal_quality, found.control_quality) == (Basis.MEASURED, "Yes", Decimal("0.953"))
    assert found.control == "control-1"


def test_a_control_that_missed_is_shown_beside_and_never_summed() -> None:
    found = saved(make_control(met=False, quality="0.80"))
    assert found is not None
    assert bounds(found) == bounds(saved())
    assert (found.basis, found.equal_quality, found.control_quality) == (Basis.DECLARED, "No", Decimal("0.80"))


def test_a_control_counts_even_where_nothing_was_estimated() -> None:
    assert saved(make_control(), counterfactual=None) is not None


def test_the_fingerprint_is_of_task_data_objective_and_scratch_plan_alone() -> None:
    same = [JOB.mode("Never"), JOB.max_attempts(1), JOB.register("x"), JOB.namespace("other")]
    other = [
        JOB.target("0.9"), JOB.task("image-classification"), JOB.dataset(examples=1), JOB.scratch(epochs=3),
        JOB.no_scratch(), JOB.no_scratch().container(), JOB.no_scratch().container("registry.example/trainer:2"),
    ]  # fmt: skip
    assert {fingerprint(job.build().spec) for job in same} == {fingerprint(JOB.build().spec)}
    assert len({fingerprint(job.build().spec) for job in (JOB, *other)}) == len(other) + 1


def test_the_control_is_the_latest_that_met_the_target() -> None:
    early, late, missed = make_control(name="early"), make_control(name="late"), make_control(met=False, name="missed")
    late = late.model_copy(update={"spec": late.spec.model_copy(update={"completion_time": NOON})})
    assert find_control((late, missed, early), JOB.build().spec) == late
    assert find_control((missed,), JOB.build().spec) == missed
    assert not met_target(missed)


def test_a_control_of_another_namespace_is_none() -> None:
    control = make_control()
    assert find_control((control,), JOB.build().spec, namespace="research") == control
    assert find_control((control,), JOB.build().spec, namespace="elsewhere") is None


def test_what_is_no_control_is_not_found() -> None:
    control = make_control()
    not_control = control.model_copy(update={"spec": control.spec.model_copy(update={"control": False})})
    own_word = make_report().of(JOB.build()).control().fingerprint(fingerprint(JOB.build().spec))
    self_reported = own_word.result("0.99", True, evidence="SelfReported").totals("1", "1").build()
    unrelated = make_control(job=JOB.target("0.5"))
    assert find_control((not_control, self_reported, unrelated), JOB.build().spec) is None
