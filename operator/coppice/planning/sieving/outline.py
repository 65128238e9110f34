"""The outline: the few figures of many candidates that tell which of them deserve to be laid out.

A candidate's estimate is made of dozens of figures with their reasons. These are worked out for all at once (see
`sheet`), by the very same formulas, and differ from a candidate's own only in how sums round. So where rounding could
tell otherwise (a need as large as the memory, two configurations of equal cost) the outline says so, and nothing is
concluded from it.
"""

from dataclasses import dataclass

import numpy as np

from coppice.planning.column import Figures, Numbers, Truths

UNSURE, TOO_LARGE = -1, -2
ROUNDING = 1e-9
"""Relative difference below which two figures are not told apart: thousands of times what rounding makes of them."""


@dataclass
class Outline:
    """Methods on base models, in rows; each figure a column.

    parameters  of the base model that take part in multiplications
    held        some configuration's memory holds it
    cost        expected, in the unit that plans are compared by, on the best configuration; infinite without any
    breaks      its high estimates exceed what the limits leave
    highs       watt-hours, grams, seconds: a row each; only told where a limit binds
    option      the number of that configuration, those for larger plans after the others; -1 without any
    unsure      rounding could tell otherwise
    """

    parameters: Figures
    held: Truths
    cost: Figures
    breaks: Truths
    highs: Figures
    option: Numbers
    unsure: Truths

    @classmethod
    def blank(cls, parameters: Figures) -> "Outline":
        """Before any configuration was looked at."""
        count = len(parameters)
        no = np.zeros(count, dtype=bool)
        cost, highs = np.full(count, np.inf), np.full((3, count), np.inf)
        return cls(parameters, no, cost, ~no, highs, np.full(count, -1), no.copy())

    def standing(self) -> list[int]:
        """Row by row the option, TOO_LARGE where no memory holds it, UNSURE where only the candidate can tell."""
        held = np.where(self.held, np.where(self.option < 0, UNSURE, self.option), TOO_LARGE)
        found: list[int] = np.where(self.unsure, UNSURE, held).tolist()
        return found

    def offer(self, new: "Outline", number: int, among: Truths) -> None:
        """Take over a configuration where it is the better one, as `best_configuration` has it."""
        self.unsure |= new.unsure
        among = among & new.held
        self.held |= among
        among &= np.isfinite(new.cost)
        same = new.breaks == self.breaks
        self.unsure |= (
            among & same & (np.maximum(new.cost, self.cost) <= np.minimum(new.cost, self.cost) * (1 + ROUNDING))
        )
        better = np.where(same, new.cost < self.cost, ~new.breaks)
        taken = among & (better | (self.option < 0))
        self.cost = np.where(taken, new.cost, self.cost)
        self.breaks = np.where(taken, new.breaks, self.breaks)
        self.highs = np.where(taken, new.highs, self.highs)
        self.option = np.where(taken, number, self.option)


def close(some: Figures, other: float) -> Truths:
    """Where figures are the same as one but for rounding."""
    return np.asarray(np.abs(some - other) <= ROUNDING * other)
