"""Drafts: what a rung reads of a candidate, to the digits of the record."""

from builders import make_job, make_model
from coppice.planning.column import column
from coppice.planning.draft import Figures, rounded_figures
from worlds import Case


def test_figures_out_of_a_column_are_rounded_however_small_they_are() -> None:
    ask = Case(make_job().scratch().limits(carbonGrams=5), [make_model()]).request
    cost, *highs = column([0.000012345, 7.0, 0.000056789, 9.0])
    assert rounded_figures(cost, highs, ask) == Figures(0.00001234, (0.0, 0.00005679, 0.0))
