"""A draft: a candidate as far as a rung needs it, with the whole of it laid out when somebody looks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple

from coppice.api.base import shown
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate
from coppice.planning.network import Network
from coppice.planning.request import Request

UNLIMITED = (0.0, 0.0, 0.0)
"""The high estimates of a rung where no limit binds."""


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
    cost = shown(candidate.estimate.expected(request.unit))
    if not request.limited:
        return Figures(cost, UNLIMITED)
    pairs = zip(candidate.estimate.highs, request.remaining, strict=True)
    return Figures(cost, tuple(shown(high) if left < inf else 0.0 for high, left in pairs))
