"""A draft: a candidate as far as a rung needs it, with the whole of it laid out when somebody looks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple

from coppice.api.base import shown
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate
from coppice.planning.network import Network
from coppice.planning.request import Request


class Figures(NamedTuple):
    """Expected cost and, where a limit binds, high estimates, else 0: to the digits that a record shows."""

    cost: float
    highs: tuple[float, ...]


@dataclass(frozen=True)
class Draft:
    """A method on some of several equal base models."""

    method: Method
    network: Network | None
    figures: Figures
    lay_out: Callable[[], Candidate]

    @cached_property
    def candidate(self) -> Candidate:
        """All of it."""
        return self.lay_out()


def drafted(candidate: Candidate, request: Request) -> Draft:
    """The draft of a candidate that is laid out."""
    return Draft(candidate.method, candidate.network, figures_of(candidate, request), lambda: candidate)


def figures_of(candidate: Candidate, request: Request) -> Figures:
    """What a rung reads of a candidate."""
    return rounded_figures(candidate.estimate.expected(request.unit), candidate.estimate.highs, request)


def rounded_figures(cost: float, highs: Sequence[float], request: Request) -> Figures:
    """Cost and high estimates as a record shows them; they may come out of columns."""
    cost = shown(float(cost))
    if not request.limited:
        return Figures(cost, (0.0,) * len(highs))
    pairs = zip(highs, request.remaining, strict=True)
    return Figures(cost, tuple(shown(float(high)) if left < inf else 0.0 for high, left in pairs))
