"""Totals and reports: rounded once, and computed again from the report alone to the same numbers."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import uses_of
from builders import make_job, make_report
from coppice.accounting.account import Account, account_of
from coppice.accounting.control import fingerprint
from coppice.accounting.record import MAX_ENCODED_BYTES, decode_account_record, fitted
from coppice.accounting.report import gaps_of, recompute, report
from coppice.accounting.summary import kilograms_text, kilowatt_hours_text, saved_text
from coppice.accounting.totals import totals
from coppice.accounting.use import AttemptUse
from coppice.api.trainingjob_status import AvoidedStatus, TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Basis, Component, Grade
from uses import (
    NOON,
    at,
)


def finished_report(uses: tuple[AttemptUse, ...]) -> TrainingReport:
    condition = {"type": "Succeeded", "status": "True", "reason": "ObjectiveMet", "lastTransitionTime": NOON}
    status = {
        "conditions": [condition],
        "completionTime": at(10_000),
        "totals": totals(account_of(uses), run_seconds=7800, models=1, parameters=22_713_216).wire(),
    }
    return report(make_job().scratch().set("status", status).build(), None, uses, name="newswire-topics-0a1b2")


@settings(max_examples=20, deadline=None)
@given(st.decimals(0, 7200, places=3))
def test_a_report_computes_to_the_same_totals_again(cpu_seconds: Decimal) -> None:
    written = finished_report(uses_of(str(cpu_seconds)))
    read = TrainingReport.model_validate(written.wire())
    account = recompute(read)
    assert account == account_of(uses_of(str(cpu_seconds)))
    assert totals(account, run_seconds=7800, models=1, parameters=22_713_216) == read.spec.totals


def test_a_report_holds_the_slots_its_carbon_comes_from() -> None:
    spec = finished_report(uses_of()).spec
    assert spec.totals is not None
    assert sum(slot.joules for slot in spec.slots) == pytest.approx(spec.totals.energy_joules, abs=Decimal("0.1"))
    grams = sum(slot.joules * slot.grams_per_kilowatt_hour / 3_600_000 for slot in spec.slots)
    assert grams == pytest.approx(spec.totals.operational_grams, abs=Decimal("0.001"))


def test_a_report_names_its_job_and_how_it_ended() -> None:
    written = finished_report(uses_of())
    assert (written.metadata.name, written.metadata.namespace) == ("newswire-topics-0a1b2", "research")
    assert (written.spec.state, written.spec.succeeded, written.spec.completion_time) == (
        "ObjectiveMet",
        True,
        at(10_000),
    )
    assert written.spec.fingerprint == fingerprint(make_job().scratch().build().spec)
    assert any("stopped without a last word" in gap for gap in written.spec.gaps)


@pytest.mark.parametrize(("mode", "control"), [("Never", True), ("Auto", False)])
def test_a_control_is_a_job_of_mode_never(mode: str, control: bool) -> None:
    assert report(make_job().scratch().mode(mode).build(), None, (), name="x").spec.control is control


def test_a_report_without_an_account_record_says_so_when_asked() -> None:
    with pytest.raises(ValueError, match="not an account record"):
        recompute(make_report().build())


def test_inputs_too_long_for_a_report_give_up_slots_before_anything_else() -> None:
    uses = uses_of()
    whole = fitted(uses)
    short = fitted(uses, limit_bytes=len(whole) - 1)
    assert 0 < len(short) < len(whole) <= MAX_ENCODED_BYTES
    assert account_of(decode_account_record(short).uses()).parts == account_of(uses).parts
    assert fitted(uses, limit_bytes=10) == ""
    assert "cannot be computed again" in gaps_of(Account(), "")[0]


def test_many_gaps_are_counted_rather_than_dropped() -> None:
    gaps = gaps_of(Account(gaps=tuple(f"gap {number}" for number in range(40))), "record")
    assert len(gaps) == 32
    assert gaps[-1] == "And 9 more gaps of the same kinds."


def test_parts_as_shown_sum_to_the_energy_as_shown() -> None:
    thirds = {(component, Grade.MODELLED): Decimal("0.000333") for component in Component}
    shown = totals(Account(parts={**thirds, (Component.CPU, Grade.MEASURED): Decimal("1.0004")}), run_seconds=1)
    assert shown.energy_joules == sum(part.joules for part in shown.parts) == Decimal("1.000")


def test_the_source_of_the_intensity_is_told_in_words() -> None:
    assert totals(account_of(uses_of()), run_seconds=1).intensity_source == (
        "DE LifeCycle Average 2023: a test; FR LifeCycle Average 2023: a test"
    )


def test_columns_read_as_in_the_documentation() -> None:
    assert kilowatt_hours_text(Decimal(5230)) == "0.0015"
    assert kilograms_text(Decimal("0.83")) == "0.00083"
    assert kilowatt_hours_text(Decimal(0)) == "0"


@pytest.mark.parametrize(
    ("mid", "spent", "text"),
    [
        ("82", "18", "82 % (declared)"),
        ("-20", "100", "-25 % (declared)"),
        ("-100", "100", ""),
        ("-0.063483", "0.063484", ""),
    ],
    ids=["saved", "dearer", "missed", "missed and rounded"],
)
def test_the_saving_is_a_share_of_the_counterfactual_with_its_basis(mid: str, spent: str, text: str) -> None:
    amount = Decimal(mid)
    avoided = AvoidedStatus(low=amount, mid=amount, high=amount, basis=Basis.DECLARED, equal_quality="Yes")
    carbon = {"operational_grams": Decimal(spent), "embodied_grams": Decimal(0)}
    found = TotalsStatus(energy_joules=Decimal(1), coverage=Decimal(0), avoided=avoided, **carbon)
    assert saved_text(found) == text
