"""The ledger never falls and counts each job once, whatever is repeated, reordered or lost."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_job
from coppice.accounting.ledger import MAX_ENTRIES, object_for, opened, pruned, settled, summed, withdrawn
from coppice.accounting.settlement import AvoidedLow, Settlement, settlement
from coppice.api.trainingjob_status import EnergyPart
from coppice.api.trainingledger import LedgerEntry, LedgerTotals, TrainingLedgerSpec
from coppice.api.vocabulary import Basis, Component, Grade, Method
from uses import NOON

EMPTY = TrainingLedgerSpec(namespace="research")
JOBS = ("a", "b", "c")


def entry(uid: str) -> LedgerEntry:
    return LedgerEntry(uid=uid, name=f"job-{uid}", opened=NOON)


def make_settlement(
    uid: str = "a", avoided: str | None = "10", met: bool | None = True, **fields: object
) -> Settlement:
    low = AvoidedLow(Basis.DECLARED, Decimal(avoided)) if avoided is not None else None
    parts = (EnergyPart(component=Component.CPU, grade=Grade.MODELLED, joules=Decimal(100)),)
    values = {"energy": parts, "operational_grams": Decimal(3), "embodied_grams": Decimal(2), **fields}
    return Settlement(uid, f"job-{uid}", Method.LORA, "ObjectiveMet", avoided=low, met=met, **values)  # type: ignore[arg-type]


def figures(totals: LedgerTotals) -> dict[str, Decimal]:
    """Every counter of a ledger by its labels."""
    counters = {f"{row.component} {row.grade}": row.joules for row in totals.energy}
    counters |= {f"avoided {row.basis}": row.grams for row in totals.avoided}
    counters |= {f"{row.method} {row.reason}": Decimal(row.jobs) for row in totals.finished}
    counters["operational"], counters["embodied"] = totals.operational_grams, totals.embodied_grams
    counters["in vain"] = totals.spent_in_vain_grams
    return counters


settlements = st.builds(
    make_settlement,
    st.sampled_from(JOBS),
    st.one_of(st.none(), st.integers(-100, 100).map(str)),
    st.sampled_from((True, False, None)),
    operational_grams=st.decimals(0, 100, places=3),
)
steps = st.one_of(
    st.tuples(st.just("open"), st.sampled_from(JOBS)),
    st.tuples(st.just("settle"), settlements),
    st.tuples(st.just("prune"), st.sampled_from(JOBS)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=30))
def test_no_counter_falls_under_any_order_of_anything(operations: list[tuple[str, object]]) -> None:
    spec = EMPTY
    for name, value in operations:
        before = figures(spec.totals)
        if name == "open":
            spec = opened(spec, entry(str(value)))
        elif name == "settle":
            assert isinstance(value, Settlement)
            spec = settled(spec, value)
        else:
            spec = pruned(spec, str(value))
        after = figures(spec.totals)
        assert all(after[counter] >= amount for counter, amount in before.items())


@settings(max_examples=60, deadline=None)
@given(
    st.permutations([uid for uid in JOBS for _ in range(3)]),
    st.lists(st.sampled_from(("settle", "prune")), max_size=20),
    st.randoms(),
)
def test_each_job_is_counted_once_however_often_it_is_settled(
    order: list[str], more: Sequence[str], dice: object
) -> None:
    spec = EMPTY
    for uid in JOBS:
        spec = opened(opened(spec, entry(uid)), entry(uid))
    for uid in order:
        spec = settled(spec, make_settlement(uid))
    for step in more:
        uid = dice.choice(JOBS)  # type: ignore[attr-defined]
        spec = settled(spec, make_settlement(uid)) if step == "settle" else pruned(spec, uid)
    assert sum(row.jobs for row in spec.totals.finished) == len(JOBS)
    assert figures(spec.totals)["cpu Modelled"] == 100 * len(JOBS)
    assert figures(spec.totals)["avoided Declared"] == 10 * len(JOBS)


def test_a_repeated_operation_gives_the_very_same_ledger() -> None:
    spec = settled(opened(EMPTY, entry("a")), make_settlement("a"))
    assert opened(spec, entry("a")) is spec
    assert settled(spec, make_settlement("a")) is spec
    assert pruned(spec, "b") is spec


def test_an_open_entry_is_never_pruned_because_its_energy_is_not_counted_yet() -> None:
    spec = opened(EMPTY, entry("a"))
    assert pruned(spec, "a") is spec
    assert pruned(settled(spec, make_settlement("a")), "a").entries == []


def test_a_pruned_job_settles_nothing_any_more() -> None:
    spec = pruned(settled(opened(EMPTY, entry("a")), make_settlement("a")), "a")
    assert settled(spec, make_settlement("a")) is spec


@pytest.mark.parametrize(
    ("avoided", "met", "basis", "saved", "in_vain"),
    [
        ("10", True, Basis.DECLARED, 10, 0),
        ("10", True, Basis.MEASURED, 10, 0),
        ("10", True, Basis.ASSUMED, 0, 0),
        ("-4", True, Basis.DECLARED, 0, 4),
        ("-4", True, Basis.ASSUMED, 0, 0),
        ("-4", False, Basis.DECLARED, 0, 5),
        ("10", None, Basis.DECLARED, 10, 0),
    ],
)
def test_what_enters_avoided_and_what_was_spent_in_vain(
    avoided: str, met: bool | None, basis: Basis, saved: int, in_vain: int
) -> None:
    item = Settlement(
        "a", "a", Method.LORA, "X", operational_grams=Decimal(3), embodied_grams=Decimal(2),
        avoided=AvoidedLow(basis, Decimal(avoided)), met=met,
    )  # fmt: skip
    assert (item.avoided_grams, item.spent_in_vain_grams) == (saved, in_vain)


def test_a_missed_job_without_any_counterfactual_was_spent_in_vain_too() -> None:
    assert make_settlement(avoided=None, met=False).spent_in_vain_grams == 5


def test_a_negative_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="job job-a \\(a\\) holds an amount below 0"):
        make_settlement(operational_grams=Decimal(-1))


def test_a_full_object_leaves_further_jobs_to_the_next_one() -> None:
    full = EMPTY.model_copy(update={"entries": [entry(str(number)) for number in range(MAX_ENTRIES)]})
    assert object_for((), "a") == 0
    assert object_for((EMPTY,), "a") == 0
    assert object_for((full,), "a") == 1
    assert object_for((full, EMPTY), "a") == 1
    assert object_for((full, opened(EMPTY, entry("a"))), "7") == 0


def test_the_totals_of_a_namespace_are_summed_over_its_objects() -> None:
    one = settled(opened(EMPTY, entry("a")), make_settlement("a"))
    other = settled(opened(EMPTY, entry("b")), make_settlement("b"))
    both = settled(settled(opened(opened(EMPTY, entry("a")), entry("b")), make_settlement("a")), make_settlement("b"))
    assert summed((one.totals, other.totals)) == both.totals
    assert TrainingLedgerSpec.model_validate(both.wire()) == both


TOTALS = {
    "energyJoules": "5",
    "parts": [{"component": "cpu", "grade": "Modelled", "joules": "5"}],
    "coverage": "0",
    "operationalGrams": "3",
    "embodiedGrams": "2",
    "avoided": {"low": "8", "mid": "9", "high": "10", "basis": "Measured", "equalQuality": "Yes"},
}
ATTEMPTS = [
    {"number": 1, "kind": "Train", "method": "LinearProbe", "child": {"kind": "Job", "name": "x"}, "profile": "p"},
    {"number": 2, "kind": "Train", "method": "FromScratch", "child": {"kind": "Job", "name": "y"}, "profile": "p"},
]


def finished(succeeded: str = "True", evidence: str = "Evaluated", met: bool | None = True) -> Settlement:
    condition = {"type": "Succeeded", "status": succeeded, "reason": "ObjectiveMet", "lastTransitionTime": NOON}
    result = {"attempt": 1, "evidence": evidence} | ({} if met is None else {"met": met})
    status = {"conditions": [condition], "totals": TOTALS, "attempts": ATTEMPTS, "result": result}
    return settlement(make_job().set("status", status).build())


def test_a_settlement_is_read_from_the_status_of_the_finished_job() -> None:
    found = finished()
    assert (found.name, found.method, found.reason, found.met) == (
        "newswire-topics",
        Method.LINEAR_PROBE,
        "ObjectiveMet",
        True,
    )
    assert (found.operational_grams, found.embodied_grams, found.avoided_grams) == (3, 2, 8)
    assert found.energy[0].joules == 5


def test_a_failed_job_missed_its_objective_whatever_its_attempts_reached() -> None:
    assert finished(succeeded="False").spent_in_vain_grams == 5


def test_self_reported_quality_stays_out_of_avoided_totals() -> None:
    assert finished(evidence="SelfReported").avoided is None


def test_a_job_without_any_status_settles_nothing() -> None:
    found = settlement(make_job().build())
    assert (found.energy, found.reason, found.method) == ((), "Unknown", Method.FROM_SCRATCH)


def test_an_entry_of_which_nothing_ran_is_withdrawn_uncounted() -> None:
    assert withdrawn(opened(EMPTY, entry("a")), "a") == EMPTY
    assert withdrawn(EMPTY, "a") is EMPTY, "no change is the same object, so that nothing is written"
