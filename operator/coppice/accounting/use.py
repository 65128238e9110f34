"""What one pod used: the only input of the account that comes from the cluster.

It is a value of its own, not the watched pod, because the account must come out the same from a pod that is still
there, from a status written long ago and from a report. What a meter outside the pod says is a part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from coppice.accounting.course import Span
from coppice.accounting.metered import Metered
from coppice.accounting.units import seconds_between
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import Intensity
from coppice.api.result import Result


@dataclass(frozen=True)
class PodUse:
    """One pod's reserved time and hardware, and what it says of itself.

    `start` is PodScheduled and `end` the last container's end (or now, for a running pod), both UTC, so that image
    pull and init steps count. `accelerators`, `cpu_request` (cores) and `memory_request_bytes` are what the pod
    reserved. `self_reported` marks a user's own container, whose energy is clipped to what the hardware can draw.
    `init_end` is when the trainer itself started, where it is known: an accelerator reserved before that is idle.
    `metered` is what meters outside the pod say of it; it wins over what the pod says itself.
    `zone` is its node's, empty where the node says none; the account holds the price, not the zone.
    """

    uid: str
    start: datetime
    end: datetime
    result: Result | None = None
    accelerators: int = 0
    cpu_request: Decimal = Decimal(0)
    memory_request_bytes: int = 0
    self_reported: bool = False
    init_end: datetime | None = None
    metered: tuple[Metered, ...] = ()
    zone: str = ""

    @property
    def reserved_seconds(self) -> Decimal:
        """Reserved time in seconds, never below 0 where clocks disagree."""
        return seconds_between(self.start, self.end)


@dataclass(frozen=True)
class Price:
    """An intensity, and its course by slot where that is known; the rest of the time has `intensity`."""

    intensity: Intensity
    course: tuple[Span, ...] = ()


@dataclass(frozen=True)
class AttemptUse:
    """One attempt with everything its account is computed from; `pue` is the one that holds for its nodes.

    `course` is the intensity by slot, where it is known; the rest of the time is priced with `intensity`. `elsewhere`
    has other prices, by pod uid, for pods that ran in another zone than the first.
    """

    number: int
    pods: tuple[PodUse, ...]
    profile: ComputeProfile
    intensity: Intensity
    pue: Decimal
    course: tuple[Span, ...] = ()
    elsewhere: Mapping[str, Price] = field(default_factory=dict)
