"""What the pods of a workload used, priced: one use for each ComputeProfile and zone, and a gap for what has no price.

Pods of one workload may run on several kinds of nodes (a launcher beside its workers), so the profile is found pod by
pod. Nothing inside these pods reports to us: energy is Measured by the cluster's meters or Estimated from what was
reserved.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from coppice.accounting.course import Span
from coppice.accounting.grid import Grid, noted
from coppice.accounting.metered import PodMeter
from coppice.accounting.profiles import Wanted, profile_for
from coppice.accounting.use import AttemptUse, PodUse
from coppice.accounting.zone import BY_NODE, Whereabouts
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import Intensity
from coppice.api.trainingledger import LedgerEntry
from coppice.workloads.accounted import SeenWorkload, WorkloadPod

LOST = Decimal("1.01")
"""How much more a former process may have counted than is left to see before that is told; meters differ by less."""


@dataclass(frozen=True)
class ObservedWorkload:
    """Everything known about one workload at one moment.

    `labels` are those of nodes, by name, as far as they are known; `meters` is None where the cluster has none;
    `settled` holds the uids of workloads of the namespace whose account is closed, so that no pod is counted twice;
    `entry` is the workload's own in the ledger; `below` are uids of JobSets that a TrainJob runs as.
    """

    now: datetime
    workload: SeenWorkload
    pods: tuple[WorkloadPod, ...]
    profiles: tuple[ComputeProfile, ...]
    grid: Grid
    default_zone: str
    pue: Decimal
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    whereabouts: Mapping[str, Whereabouts] = field(default_factory=dict)
    meters: Mapping[str, PodMeter] | None = None
    settled: AbstractSet[str] = frozenset()
    entry: LedgerEntry | None = None
    below: AbstractSet[str] = frozenset()


@dataclass(frozen=True)
class WorkloadBooks:
    """Priced uses, the profile of each pod by uid, and what is missing in sentences."""

    uses: tuple[AttemptUse, ...]
    profiles: Mapping[str, ComputeProfile]
    gaps: tuple[str, ...]

    @property
    def profile_names(self) -> tuple[str, ...]:
        """The ComputeProfiles used, each once, in order."""
        return tuple(sorted({use.profile.metadata.name for use in self.uses}))


def workload_books(observed: ObservedWorkload) -> WorkloadBooks:
    """The books as of now; pods that hold a node are counted up to now."""
    own = [pod for pod in observed.pods if pod.reserved and not _counted_elsewhere(observed, pod)]
    gaps: list[str] = _taken(observed)
    groups: dict[tuple[str, str, str], list[WorkloadPod]] = {}
    profiles: dict[str, ComputeProfile] = {}
    for pod in own:
        found = profile_of_pod(observed, pod)
        if isinstance(found, ComputeProfile):
            profiles[pod.seen.uid] = found
            place = _place(observed, found, pod)
            groups.setdefault((found.metadata.name, place.zone, place.because), []).append(pod)
        else:
            gaps.append(_unpriced(observed, pod, found))
    prices = observed.grid.prices(observed.now, {zone for _, zone, _ in groups})
    uses = tuple(
        _use(observed, number, profiles[groups[key][0].seen.uid], groups[key], (prices(key[1]), key[2]))
        for number, key in enumerate(sorted(groups), 1)
    )
    return WorkloadBooks(uses, profiles, (*gaps, *_never_seen(observed, own)))


def profile_of_pod(observed: ObservedWorkload, pod: WorkloadPod) -> ComputeProfile | str:
    """The ComputeProfile of a pod's node, or why there is none."""
    node = observed.labels.get(pod.seen.node)
    labels = {**dict(pod.node_selector), **(node or {})}
    wanted = Wanted(pod.profile or observed.workload.profile, pod.accelerator, labels, node_known=node is not None)
    return profile_for(observed.profiles, wanted)


def pod_use(observed: ObservedWorkload, pod: WorkloadPod) -> PodUse:
    """One pod's reserved time and hardware, with what meters say; without a container that started, it only waited."""
    seen = pod.seen
    start, end = seen.scheduled_at or observed.now, seen.ended_at or observed.now
    started = [one.started_at for one in seen.containers if one.started_at and not one.init]
    meter = observed.meters.get(seen.uid) if observed.meters else None
    return PodUse(
        uid=seen.uid,
        start=start,
        end=max(start, end),
        accelerators=seen.accelerators,
        cpu_request=seen.cpu_request_cores,
        memory_request_bytes=seen.memory_request_bytes,
        init_end=min(started, default=end),
        metered=meter.metered if meter else (),
    )


def lost(observed: ObservedWorkload, watt_hours: Decimal) -> tuple[str, ...]:
    """What a former process had counted and nobody can see any more."""
    before = observed.entry.energy_watt_hours if observed.entry else Decimal(0)
    if before <= watt_hours * LOST:
        return ()
    return (
        f"{float(before):.4g} Wh had been counted before the operator was restarted and {float(watt_hours):.4g} Wh are "
        "left to see: pods that went in between are missing from this account.",
    )


def _use(
    observed: ObservedWorkload,
    number: int,
    profile: ComputeProfile,
    pods: list[WorkloadPod],
    told: tuple[Intensity, str],
) -> AttemptUse:
    used = tuple(pod_use(observed, pod) for pod in pods)
    price, how_the_zone_was_found = told
    intensity, course = _priced(observed.grid, price, used)
    pue = profile.spec.pue if profile.spec.pue is not None else observed.pue
    return AttemptUse(number, used, profile, noted(intensity, how_the_zone_was_found), pue, course)


def _priced(grid: Grid, price: Intensity, pods: tuple[PodUse, ...]) -> tuple[Intensity, tuple[Span, ...]]:
    start, end = min(pod.start for pod in pods), max(pod.end for pod in pods)
    found = grid.past(price.zone, (price.method, price.signal), start, max(end, start + timedelta(seconds=1)))
    return found or (price, ())


def _place(observed: ObservedWorkload, profile: ComputeProfile, pod: WorkloadPod) -> Whereabouts:
    if profile.spec.zone:
        return Whereabouts(profile.spec.zone)
    if pod.seen.zone:
        return Whereabouts(pod.seen.zone, BY_NODE)
    return observed.whereabouts.get(profile.metadata.name) or Whereabouts(observed.default_zone)


def _counted_elsewhere(observed: ObservedWorkload, pod: WorkloadPod) -> bool:
    return any(uid != observed.workload.uid and uid in observed.settled for uid in pod.above)


def _taken(observed: ObservedWorkload) -> list[str]:
    number = sum(pod.reserved and _counted_elsewhere(observed, pod) for pod in observed.pods)
    if not number:
        return []
    return [f"{number} pods are left out: a workload below this one carried the label too and was accounted before."]


def _unpriced(observed: ObservedWorkload, pod: WorkloadPod, why: str) -> str:
    seen, use = pod.seen, pod_use(observed, pod)
    return (
        f"Pod {seen.name} held node {seen.node or '?'} for {use.reserved_seconds:.0f} s and is not counted: {why}. "
        "Make such a profile, or name one with the annotation coppice.dev/compute-profile."
    )


def _never_seen(observed: ObservedWorkload, pods: list[WorkloadPod]) -> list[str]:
    """Pods that the workload's controller has counted and that were gone before anybody looked."""
    counted = observed.workload.ended_pods or 0
    seen = sum(pod.seen.ended_at is not None for pod in pods) + sum(
        _counted_elsewhere(observed, pod) for pod in observed.pods
    )
    if observed.workload.over_at is None or seen >= counted:
        return []
    return [f"{counted - seen} of {counted} pods that ended were gone before they were seen: they are not counted."]
