"""Which ComputeProfile prices a pod that Coppice did not plan.

    1. the one that the workload's annotation names
    2. of those with the pod's accelerator (without one: those of any node), the one whose node selector holds on the
       pod's node with the most labels
    3. where the node's labels are not known: the only one with that accelerator, if it is the only one

Two that match equally well are no match: a guess between an A100 and an H100 would be a figure without a source. What
matches none is unpriced, and a gap says what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coppice.api.computeprofile import ComputeProfile


@dataclass(frozen=True)
class Wanted:
    """What is known of a pod's place. `labels` are its node's, or of its node selector where `node_known` is False."""

    named: str = ""
    accelerator: str = ""
    labels: Mapping[str, str] | None = None
    node_known: bool = False


def profile_for(profiles: Sequence[ComputeProfile], wanted: Wanted) -> ComputeProfile | str:
    """The profile, or the sentence that says why there is none."""
    if wanted.named:
        found = next((one for one in profiles if one.metadata.name == wanted.named), None)
        return found or f"its annotation names ComputeProfile {wanted.named}, which does not exist"
    candidates = [one for one in profiles if _serves(one, wanted.accelerator)]
    what = f"{wanted.accelerator} on its node" if wanted.accelerator else "its node"
    matching = _most_specific(candidates, wanted.labels or {})
    if not matching and not wanted.node_known and len(candidates) == 1:
        return candidates[0]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = ", ".join(sorted(one.metadata.name for one in matching))
        return f"ComputeProfiles {names} describe {what} equally well"
    return f"no ComputeProfile describes {what}"


def _serves(profile: ComputeProfile, accelerator: str) -> bool:
    if not accelerator:
        return True
    return profile.spec.accelerator is not None and profile.spec.accelerator.resource_name == accelerator


def _most_specific(profiles: Sequence[ComputeProfile], labels: Mapping[str, str]) -> list[ComputeProfile]:
    matching = [one for one in profiles if one.spec.node_selector.items() <= labels.items()]
    most = max((len(one.spec.node_selector) for one in matching), default=0)
    return [one for one in matching if len(one.spec.node_selector) == most]
