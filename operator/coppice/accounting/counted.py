"""Who is counted: every pod of an attempt once, by its uid, with the best that is known of it.

A resumed pod repeats what earlier pods left on the volume, so the same pod may speak twice: in its own termination
message and under `earlier` of those after it. Its own word wins; among others' the one that saw most CPU seconds,
because the figures only grow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from coppice.accounting.units import plausible, utc
from coppice.accounting.use import PodUse
from coppice.api.result import EarlierPod, Energy, Usage

Said = TypeVar("Said", bound=Usage)

_FIGURES = ("run_seconds", "cpu_seconds", "counted_teraflop")
_MOMENTS = ("started_at", "ended_at")
_LONGEST_SLOT_SECONDS = 30 * 86400
_LONGEST_RUN_SECONDS = Decimal(10 * 365 * 86400)


@dataclass(frozen=True)
class Counted:
    """A pod and what it says it used, if anything is known of that."""

    pod: PodUse
    usage: Usage | None


def counted(pods: Sequence[PodUse]) -> tuple[list[Counted], list[str]]:
    """Each pod once, and sentences about those that nobody but a later pod knows of."""
    seen = _seen_once(pods)
    left = _left_behind(seen.values())
    known = [Counted(pod, _usage(pod, left)) for pod in seen.values()]
    gaps = []
    for uid, (earlier, by) in left.items():
        if uid in seen:
            continue
        if by.self_reported:
            gaps.append(f"Pod {by.uid} speaks of a pod {uid} that the cluster never showed: it is not counted.")
            continue
        usage = _plausible(earlier)
        known.append(Counted(_reconstructed(usage, by), usage))
        gaps.append(f"Pod {uid} is known from pod {by.uid} alone: the time before its first program is missing.")
    return known, gaps


def _seen_once(pods: Iterable[PodUse]) -> dict[str, PodUse]:
    seen: dict[str, PodUse] = {}
    for pod in pods:
        before = seen.get(pod.uid)
        if before is None or (pod.result is not None, pod.end) > (before.result is not None, before.end):
            seen[pod.uid] = pod
    return seen


def _left_behind(pods: Iterable[PodUse]) -> dict[str, tuple[EarlierPod, PodUse]]:
    left: dict[str, tuple[EarlierPod, PodUse]] = {}
    for pod in pods:
        for earlier in pod.result.earlier if pod.result else ():
            before = left.get(earlier.pod_uid)
            if before is None or (earlier.cpu_seconds or 0) > (before[0].cpu_seconds or 0):
                left[earlier.pod_uid] = earlier, pod
    return left


def _usage(pod: PodUse, left: dict[str, tuple[EarlierPod, PodUse]]) -> Usage | None:
    if pod.result is not None:
        return _plausible(pod.result)
    return _plausible(left[pod.uid][0]) if pod.uid in left else None


def _plausible(usage: Said) -> Said:
    """The usage with every number and time such that arithmetic works; a user's container may say anything."""
    clean: dict[str, Any] = {name: plausible(value) for name in _FIGURES if (value := getattr(usage, name)) is not None}
    clean |= {name: utc(value) for name in _MOMENTS if (value := getattr(usage, name)) is not None}
    clean |= {"tokens_seen": min(usage.tokens_seen, 10**15), "energy": _plausible_energy(usage.energy)}
    return usage.model_copy(update=clean)


def _plausible_energy(energy: Energy | None) -> Energy | None:
    if energy is None:
        return None
    series = tuple(
        item.model_copy(update={"joules": tuple(plausible(joule) for joule in item.joules)}) for item in energy.series
    )
    update = {"series": series, "slots_start": utc(energy.slots_start)}
    return energy.model_copy(update={**update, "slot_seconds": min(energy.slot_seconds, _LONGEST_SLOT_SECONDS)})


def _reconstructed(earlier: EarlierPod, by: PodUse) -> PodUse:
    """A pod that only its successor knows: the successor's hardware, for the time it says it ran."""
    seconds = timedelta(seconds=float(min(earlier.run_seconds or Decimal(0), _LONGEST_RUN_SECONDS)))
    start = earlier.started_at or (earlier.ended_at or by.start) - seconds
    end = max(earlier.ended_at or start + seconds, start)
    return replace(by, uid=earlier.pod_uid, start=start, end=end, result=None, init_end=None)
