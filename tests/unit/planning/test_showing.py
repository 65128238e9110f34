"""Showing: a column is rounded to what `shown` makes of each of its figures, or nothing is told of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coppice.api.base import shown
from coppice.planning.sieving.outline import ROUNDING
from coppice.planning.sieving.showing import shown_column

pytestmark = pytest.mark.hypothesis
FIGURES = st.one_of(
    st.floats(1e-12, 1e12),
    st.integers(1, 10**7).map(lambda digits: digits / 10**4),
    st.integers(-9, 9).map(lambda power: 10.0**power),
)
DIGITS = st.sampled_from((3, 4))


@given(st.lists(FIGURES, min_size=1), DIGITS)
def test_what_is_told_is_what_each_figure_shows_however_it_rounds(figures: list[float], digits: int) -> None:
    told = shown_column(np.array(figures), digits)
    for figure, found in zip(figures, told, strict=True):
        if found is not None:
            for same in (figure, figure * (1 - ROUNDING / 2), figure * (1 + ROUNDING / 2), math.nextafter(figure, 0)):
                assert shown(same, digits) == found


def test_most_figures_are_told() -> None:
    figures = np.geomspace(1.2345e-5, 1e7, 1000)
    assert sum(found is not None for found in shown_column(figures)) > 980


@pytest.mark.parametrize("figure", [0.0, 1.0, 1000.0, 0.12345, 99.995, math.inf, math.nan, 1e-8, 1e12])
def test_ties_powers_of_ten_and_what_is_no_figure_are_left_to_the_candidate(figure: float) -> None:
    assert shown_column(np.array([figure])) == [None]
