"""Courses: joined, cut into slots and averaged; the oracle walks minute by minute."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_profile
from coppice.accounting.account import account_of
from coppice.accounting.course import Span, in_slots, joined, mean
from coppice.accounting.grid import Course, Grid
from coppice.accounting.record import account_record
from coppice.accounting.use import AttemptUse
from coppice.api.vocabulary import IntensityMethod, IntensitySignal
from uses import NOON, make_intensity, make_pod

MINUTE = timedelta(minutes=1)
KIND = (IntensityMethod.LIFE_CYCLE, IntensitySignal.AVERAGE)


def span(start: int, end: int, grams: int, *, forecast: bool = False) -> Span:
    """From one minute after noon to another."""
    value = Decimal(grams)
    return Span(start=NOON + start * MINUTE, end=NOON + end * MINUTE, grams_per_kilowatt_hour=value, forecast=forecast)


spans = st.lists(
    st.builds(
        lambda start, length, grams, forecast: span(start, start + length, grams, forecast=forecast),
        st.integers(-30, 200),
        st.integers(1, 90),
        st.integers(0, 900),
        st.booleans(),
    ),
    max_size=8,
).map(joined)


def value_at(course: tuple[Span, ...], minute: int) -> Decimal | None:
    moment = NOON + minute * MINUTE
    return next((item.grams_per_kilowatt_hour for item in course if item.start <= moment < item.end), None)


@settings(max_examples=20, deadline=None)
@given(spans)
def test_joined_spans_are_in_order_and_never_overlap(course: tuple[Span, ...]) -> None:
    assert all(first.end <= second.start for first, second in pairwise(course))
    assert all(item.start < item.end for item in course)


@settings(max_examples=20, deadline=None)
@given(spans, st.integers(0, 100), st.integers(1, 100), st.sampled_from([2, 4, 96]))
def test_slots_keep_the_mean_of_every_minute_that_is_known(
    course: tuple[Span, ...], start: int, length: int, at_most: int
) -> None:
    first, last = NOON + start * MINUTE, NOON + (start + length) * MINUTE
    slots = in_slots(course, first, last, at_most)
    known = [value for minute in range(start, start + length) if (value := value_at(course, minute)) is not None]
    assert len(slots) <= at_most
    assert all(first <= slot.start < slot.end <= last for slot in slots)
    assert bool(slots) is bool(known)
    if known and len(known) == length:
        found = mean(slots)
        assert found is not None
        assert abs(found - sum(known, Decimal(0)) / length) < Decimal("0.00001")


def test_what_was_measured_replaces_what_was_forecast_and_a_later_statement_an_earlier() -> None:
    forecast, measured, restated = span(0, 30, 100, forecast=True), span(0, 30, 120), span(0, 30, 130)
    assert joined((measured, forecast)) == (measured,)
    assert joined((forecast, measured)) == (measured,)
    assert joined((measured, restated)) == (restated,)


def test_energy_is_priced_slot_by_slot_and_not_with_a_mean() -> None:
    profile = make_profile().build()
    course = (span(0, 30, 100), span(30, 60, 500))
    use = AttemptUse(1, (make_pod(),), profile, make_intensity("300"), Decimal(1), course)
    account = account_of((use,))
    halves = [sum(slot.joules for slot in account.slots[first : first + 2]) for first in (0, 2)]
    by_hand = (halves[0] * 100 + halves[1] * 500) / Decimal(3_600_000)
    assert abs(account.operational_grams - by_hand) < Decimal("0.000001")


def test_time_without_a_value_is_priced_with_the_mean() -> None:
    profile = make_profile().build()
    holes = AttemptUse(1, (make_pod(),), profile, make_intensity("300"), Decimal(1), (span(0, 15, 300),))
    plain = AttemptUse(1, (make_pod(),), profile, make_intensity("300"), Decimal(1))
    assert account_of((holes,)).operational_grams == account_of((plain,)).operational_grams


def test_a_report_keeps_the_course_so_that_the_account_can_be_computed_again() -> None:
    course = (span(0, 30, 100), span(30, 60, 500))
    use = AttemptUse(1, (make_pod(),), make_profile().build(), make_intensity("300"), Decimal("1.5"), course)
    assert account_of(account_record((use,)).uses()) == account_of((use,))


def test_a_past_with_holes_and_forecasts_says_so() -> None:
    course = Course(*KIND, "Maps", (span(0, 30, 100), span(30, 45, 200, forecast=True)), NOON)
    grid = Grid(table=lambda zone: make_intensity("400", zone), courses={"DE": (course,)}, kinds=(KIND,))
    found = grid.past("DE", KIND, NOON, NOON + 60 * MINUTE)
    assert found is not None
    price, slots = found
    assert len(slots) == 3
    assert price.source == "Maps, 33% of the time forecast, mean of the 75% of the time with a value for the rest"
    assert price.period == "2026-03-01T12:00Z/2026-03-01T13:00Z"
    assert grid.past("SE", KIND, NOON, NOON + 60 * MINUTE) is None
    assert grid.past("DE", (IntensityMethod.DIRECT, KIND[1]), NOON, NOON + 60 * MINUTE) is None
