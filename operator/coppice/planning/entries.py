"""Candidates, estimates and chances as they stand in a record; what several of them share is written once.

Twins share estimate and chance, a ladder's rungs are among the candidates, and the counterfactual mostly is the plan
from scratch.
"""

from decimal import Decimal

from coppice.api.base import rounded
from coppice.api.decision import CandidateRecord, ChanceRecord, CounterfactualRecord, EstimateRecord
from coppice.planning.board import Placed
from coppice.planning.counterfactual import Counterfactual
from coppice.planning.estimate import Estimate
from coppice.planning.request import Request
from coppice.planning.together import SUITED_DIGITS


class Entries:
    """The entries of one decision's record. Estimates and chances are told apart by identity: its board holds them."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._estimates: dict[int, EstimateRecord] = {}
        self._chances: dict[int, ChanceRecord] = {}

    def candidate(self, placed: Placed) -> CandidateRecord:
        """A rung, or a candidate for one."""
        candidate = placed.candidate
        return CandidateRecord(
            method=candidate.method,
            base_model=candidate.reference,
            profile=candidate.hardware.profile.metadata.name,
            accelerators_per_pod=candidate.hardware.accelerators,
            pods=candidate.hardware.pods,
            estimate=self._estimate(candidate.estimate),
            chance=self._chance(placed),
            assumed=candidate.assumed or None,
            hyperparameters={name: Decimal(value) for name, value in candidate.hyperparameters(self._request).items()},
        )

    def counterfactual(self, compared: Counterfactual) -> CounterfactualRecord:
        """What training from scratch would cost."""
        return CounterfactualRecord(
            basis=compared.basis, estimate=self._estimate(compared.estimate), report=compared.report
        )

    def _estimate(self, estimate: Estimate) -> EstimateRecord:
        known = self._estimates.get(id(estimate))
        if known is None:
            known = self._estimates[id(estimate)] = estimate.record(self._request.unit)
        return known

    def _chance(self, placed: Placed) -> ChanceRecord:
        known = self._chances.get(id(placed.chance))
        if known is None:
            suited = rounded(placed.suited, SUITED_DIGITS) if placed.candidate.model else None
            known = self._chances[id(placed.chance)] = placed.chance.record(suited)
        return known
