"""Budgets: settled use and open reservations together never pass the bound, month by month."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coppice.accounting.budget import BudgetExhausted, Position, Sum, ensure_within, position, shortfalls
from coppice.accounting.calendar import month_end, month_of, shares
from coppice.accounting.ledger import opened, released, settled, withdrawn
from coppice.accounting.settlement import Settlement, vanished_settlement
from coppice.api.trainingledger import LedgerEntry, MonthTotal, Reservation, TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts
from coppice.api.vocabulary import Method
from uses import NOON

EMPTY = TrainingLedgerSpec(namespace="research")
MONTH = month_of(NOON)
BUDGET = Amounts(energy_watt_hours=100, carbon_grams=50)


def held(watt_hours: float, grams: float = 0, month: str = MONTH) -> Reservation:
    return Reservation(month=month, energy_watt_hours=Decimal(str(watt_hours)), carbon_grams=Decimal(str(grams)))


def entry(uid: str, reserved: Reservation | None = None) -> LedgerEntry:
    return LedgerEntry(uid=uid, name=f"job-{uid}", opened=NOON, reserved=reserved)


def settlement(uid: str, *months: tuple[str, float]) -> Settlement:
    totals = tuple(MonthTotal(month=month, energy_watt_hours=Decimal(str(amount))) for month, amount in months)
    return Settlement(uid, f"job-{uid}", Method.LORA, "ObjectiveMet", months=totals)


def reserve(spec: TrainingLedgerSpec, uid: str, wanted: Reservation) -> TrainingLedgerSpec:
    """What a writer does: checked, then opened."""
    before = next((one.reserved for one in spec.entries if one.uid == uid), None)
    ensure_within(position([spec], wanted.month), before, wanted, BUDGET)
    return opened(spec, entry(uid, wanted))


def test_a_refusal_says_every_number_of_every_amount_that_lacks() -> None:
    spec = settled(reserve(EMPTY, "a", held(70, 40)), settlement("a", (MONTH, 30)))
    spec = reserve(spec, "b", held(60, 40))
    with pytest.raises(BudgetExhausted) as refused:
        reserve(spec, "c", held(20, 11))
    assert [(one.name, one.used, one.reserved, one.wanted, one.budget) for one in refused.value.shortfalls] == [
        ("energy_watt_hours", 30, 60, 20, 100),
        ("carbon_grams", 0, 40, 11, 50),
    ]
    assert reserve(spec, "c", held(10, 10)).entries[-1].name == "job-c"


def test_an_open_job_counts_in_the_next_month_too_and_used_amounts_do_not() -> None:
    spec = settled(reserve(EMPTY, "a", held(90)), settlement("a", (MONTH, 90)))
    spec = reserve(spec, "b", held(10))
    with pytest.raises(BudgetExhausted):
        reserve(spec, "c", held(95, month="2026-04"))
    assert reserve(spec, "c", held(90, month="2026-04"))


def test_a_reservation_is_released_when_its_job_is_settled_or_withdrawn() -> None:
    spec = reserve(reserve(EMPTY, "a", held(50)), "b", held(50))
    assert position([spec], MONTH).reserved.energy_watt_hours == 100
    spec = withdrawn(settled(spec, settlement("a", (MONTH, 5), ("2026-04", 7))), "b")
    assert position([spec], MONTH) == Position(Sum(Decimal(5)), Sum())
    assert position([spec], "2026-04").used.energy_watt_hours == 7


def test_months_are_kept_in_order_and_the_oldest_of_more_than_24_goes() -> None:
    spec = EMPTY
    for number in range(30):
        month = f"{2024 + number // 12}-{number % 12 + 1:02}"
        spec = settled(opened(spec, entry(str(number))), settlement(str(number), (month, 1)))
    assert [total.month for total in spec.months][:2] == ["2024-07", "2024-08"]
    assert len(spec.months) == 24


def test_an_amount_without_a_bound_is_never_short() -> None:
    stand = Position(Sum(Decimal(10**9), Decimal(10**9), Decimal(10**9)))
    assert shortfalls(stand, Sum(Decimal(1), Decimal(1), Decimal(1)), Amounts(cost=Decimal(1)))[0].name == "cost"
    assert shortfalls(Position(), Sum(cost=Decimal(1)), Amounts(cost=Decimal(1))) == ()


def test_a_job_that_waits_holds_only_what_it_needs_for_now_and_asks_for_the_rest_again() -> None:
    spec = released(reserve(EMPTY, "a", held(60, 40)), "a", held(10, 50))
    assert spec.entries[0].reserved == held(10, 40)
    spec = reserve(spec, "b", held(50))
    with pytest.raises(BudgetExhausted):
        reserve(spec, "a", held(60, 40))
    assert reserve(withdrawn(spec, "b"), "a", held(60, 40)).entries[0].reserved == held(60, 40)


def test_a_release_never_raises_a_reservation_and_changes_nothing_twice() -> None:
    spec = reserve(EMPTY, "a", held(60))
    assert released(spec, "a", held(60)) is spec
    assert released(spec, "unknown", held(0)) is spec
    less = released(spec, "a", held(0))
    assert released(less, "a", held(0)) is less
    done = settled(spec, settlement("a"))
    assert released(done, "a", held(0)) is done


def test_a_job_that_vanished_uses_its_share_of_the_money_it_had_reserved_in_the_month_it_began() -> None:
    reserved = Reservation(month=MONTH, energy_watt_hours=Decimal(40), cost=Decimal(8))
    gone = entry("a", reserved).model_copy(update={"energy_watt_hours": Decimal(10), "embodied_grams": Decimal(3)})
    found = vanished_settlement(gone)
    assert found.cost == 2
    assert found.months == (
        MonthTotal(month=MONTH, energy_watt_hours=Decimal(10), carbon_grams=Decimal(3), cost=Decimal(2)),
    )


steps = st.lists(
    st.tuples(st.sampled_from(("open", "settle", "withdraw", "release")), st.sampled_from("abc"), st.integers(0, 60)),
    max_size=20,
)


@settings(max_examples=50, deadline=None)
@given(steps)
def test_what_was_used_within_its_reservations_never_passes_the_budget(steps: list[tuple[str, str, int]]) -> None:
    spec, life = EMPTY, dict.fromkeys("abc", 0)
    for step, name, amount in steps:
        uid = f"{name}{life[name]}"
        if step == "open":
            try:
                spec = reserve(spec, uid, held(amount))
            except BudgetExhausted:
                continue
        elif step == "settle":
            before = next((one.reserved for one in spec.entries if one.uid == uid), None)
            used = min(Decimal(amount), before.energy_watt_hours) if before else Decimal(0)
            spec = settled(spec, settlement(uid, (MONTH, float(used))))
            life[name] += 1
        elif step == "release":
            spec = released(spec, uid, held(amount))
        else:
            spec = withdrawn(spec, uid)
        stand = position([spec], MONTH)
        assert stand.used.energy_watt_hours + stand.reserved.energy_watt_hours <= 100


@pytest.mark.parametrize(
    ("month", "end"), [("2026-03", datetime(2026, 4, 1, tzinfo=UTC)), ("2026-12", datetime(2027, 1, 1, tzinfo=UTC))]
)
def test_a_month_ends_where_the_next_begins(month: str, end: datetime) -> None:
    assert month_end(month) == end
    assert month_of(end) > month


def test_time_is_shared_out_to_the_months_it_lies_in() -> None:
    start, end = datetime(2026, 3, 31, 18, tzinfo=UTC), datetime(2026, 5, 1, 6, tzinfo=UTC)
    whole = Decimal(6 + 30 * 24 + 6)
    assert dict(shares(start, end)) == {"2026-03": 6 / whole, "2026-04": 720 / whole, "2026-05": 6 / whole}
    assert dict(shares(start, start)) == {"2026-03": 1}
