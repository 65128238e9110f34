"""A figure as a float to the digits of the record: the very float that the record's decimal gives."""

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
