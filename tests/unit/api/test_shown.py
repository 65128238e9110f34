"""A figure as a float to the digits of the record: the very float that the record's decimal gives."""

from decimal import Decimal
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coppice.api.base import rounded, shown

DIGITS = st.sampled_from((3, 4))
FIGURES = st.floats(0, 1e18) | st.floats(1e-5, 1) | st.floats(1, 1e5) | st.decimals(0, 10**5, places=5).map(float)


@pytest.mark.thorough
@given(value=FIGURES, digits=DIGITS)
def test_it_is_the_float_of_the_rounded_decimal(value: float, digits: int) -> None:
    assert shown(value, digits) == float(rounded(value, digits))


@pytest.mark.parametrize(
    "tie", [0.12345, 0.12335, 1.2345, 12.345, 123.45, 0.98765, 0.5, 2.5e-5, 9999.51234567891, 99995.0]
)
def test_ties_round_as_the_decimal_does(tie: float) -> None:
    assert (shown(tie), shown(tie, 3)) == (float(rounded(tie)), float(rounded(tie, 3)))


def as_written(value: float, digits: int) -> Decimal:
    """By the shortest decimal of the float, digit for digit."""
    number = Decimal(repr(value))
    places = min(digits - 1 - number.adjusted(), 9)
    return number.quantize(Decimal(1).scaleb(-places)) if places > 0 else Decimal(round(number))


@pytest.mark.thorough
@given(value=FIGURES | st.floats(-1e5, 1e5), digits=st.integers(1, 6))
def test_it_is_rounded_as_it_is_written(value: float, digits: int) -> None:
    assert str(rounded(value, digits)) == (str(as_written(value, digits)) if value else "0")


@pytest.mark.parametrize("value", [99.99999999999999, 9.9995, 9.99949999, 1000.0, 0.1, -12.345, 1234.5, 12345.5, 1e23])
def test_ties_and_powers_of_ten_are_rounded_as_they_are_written(value: float) -> None:
    assert [str(rounded(value, digits)) for digits in (1, 3, 4)] == [
        str(as_written(value, digits)) for digits in (1, 3, 4)
    ]


@pytest.mark.parametrize("value", [inf, -inf, nan])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        rounded(value)
