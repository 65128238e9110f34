"""The carbon that a plan is expected to save, from paired draws.

Both arms see the same hardware, grid and facility in each draw: what is uncertain about those cancels as it should.
How far down the ladder the job goes is weighed by its probability, so the low bound knows that base models may fail
and the plan from scratch run after all; where it does, both arms draw the same scratch run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from coppice.api.base import Interval, rounded
from coppice.planning.draws import normal_draws, weighted_percentiles
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
    arms = {arm.name: arm for arm in (*(arm for arm, _ in ladder), scratch)}
    profiles = {arm.profile: SHARED_AXES * number for number, arm in enumerate(_one_a_profile(arms.values()))}
    own = {name: SHARED_AXES * len(profiles) + number for number, name in enumerate(arms)}
    spreads = {name: _embodied_sigma(arm.estimate) for name, arm in arms.items()}
    outcomes = []
    for point in normal_draws(SHARED_AXES * len(profiles) + len(arms)):
        grams = {
            name: _carbon(arm.estimate, point[own[name]], point[profiles[arm.profile] :], spreads[name])
            for name, arm in arms.items()
        }
        spent = 0.0
        for arm, probability in ladder:
            spent += grams[arm.name]
            outcomes.append((grams[scratch.name] - spent, probability))
    low, mid, high = (rounded(value) for value in weighted_percentiles(outcomes, (0.1, 0.5, 0.9)))
    return Interval(low=low, mid=mid, high=high)


def _carbon(estimate: Estimate, own: float, shared: Sequence[float], embodied_sigma: float) -> float:
    """Carbon of one draw in grams; what was measured does not vary."""
    if not estimate.seconds.sigma:
        return estimate.carbon.median
    duration = exp(SHARED_SIGMA * shared[0] + estimate.own_sigma * own)
    operational = estimate.operational.median * exp(POWER_SIGMA * shared[1])
    return duration * (operational + estimate.embodied.median * exp(embodied_sigma * shared[2]))


def _embodied_sigma(estimate: Estimate) -> float:
    """Spread of the hardware's embodied carbon: that of the estimate less the duration's."""
    return sqrt(max(estimate.embodied.sigma**2 - estimate.seconds.sigma**2, 0.0))


def _one_a_profile(arms: Iterable[Arm]) -> list[Arm]:
    first: dict[str, Arm] = {}
    for arm in arms:
        first.setdefault(arm.profile, arm)
    return list(first.values())
