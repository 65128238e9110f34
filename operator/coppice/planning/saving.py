"""The carbon that a plan is expected to save, from paired draws.

Both arms see the same hardware, grid and facility in each draw: what is uncertain about those cancels as it should.
How far down the ladder the job goes is weighed by its probability, so the low bound knows that base models may fail
and the plan from scratch run after all; where it does, both arms draw the same scratch run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from coppice.api.base import Interval, rounded
from coppice.planning.column import Figures, column, joined
from coppice.planning.draws import DRAWS, log_normal_axis, log_normal_product, weighted_percentiles
from coppice.planning.estimate import POWER_SIGMA, SHARED_SIGMA, Estimate

SHARED_AXES = 3
"""Of one profile: speed, power, embodied carbon."""


@dataclass(frozen=True)
class Arm:
    """One plan: its estimate, the profile whose uncertainty it shares, and a name that pairs equal runs."""

    name: str
    profile: str
    estimate: Estimate


def saving_grams(ladder: Sequence[tuple[Arm, float]], scratch: Arm) -> Interval:
    """Counterfactual minus the ladder, in gCO2e. Each rung comes with the probability that the job ends with it."""
    grams = _grams({arm.name: arm for arm in (*(arm for arm, _ in ladder), scratch)})
    spent: Figures = 0.0
    saved, weights = [], []
    for arm, probability in ladder:
        spent = spent + grams[arm.name]
        if probability:
            saved.append(grams[scratch.name] - spent)
            weights += [probability] * DRAWS
    low, mid, high = (rounded(value) for value in weighted_percentiles(joined(saved), column(weights), (0.1, 0.5, 0.9)))
    return Interval(low=low, mid=mid, high=high)


def _grams(arms: Mapping[str, Arm]) -> dict[str, Figures]:
    """The carbon of each arm by draw: the first axes are the profiles', each arm has one of its own after them."""
    profiles = dict.fromkeys(arm.profile for arm in arms.values())
    shared = {profile: SHARED_AXES * number for number, profile in enumerate(profiles)}
    first = SHARED_AXES * len(profiles)
    return {
        name: _carbon(arm.estimate, own, shared[arm.profile]) for own, (name, arm) in enumerate(arms.items(), first)
    }


def _carbon(estimate: Estimate, own: int, shared: int) -> Figures:
    """Carbon in grams by draw, on these axes; what was measured does not vary."""
    if not estimate.seconds.sigma:
        return column([estimate.carbon.median] * DRAWS)
    durations = log_normal_product((shared, SHARED_SIGMA), (own, estimate.own_sigma))
    powers = log_normal_axis(shared + 1, POWER_SIGMA)
    amounts = log_normal_axis(shared + 2, _embodied_sigma(estimate))
    return durations * (estimate.operational.median * powers + estimate.embodied.median * amounts)


def _embodied_sigma(estimate: Estimate) -> float:
    """Spread of the hardware's embodied carbon: that of the estimate less the duration's."""
    return sqrt(max(estimate.embodied.sigma**2 - estimate.seconds.sigma**2, 0.0))
