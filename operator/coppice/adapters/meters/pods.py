"""The pods that meters are asked about, and over which time."""

from dataclasses import dataclass

from coppice.api.computeprofile import ComputeProfileSpec

LAST_WORD_SECONDS = 90.0
"""After a pod's end: a collection, a scrape and some room, so that its counters have a value after it."""

MARGIN_SECONDS = 120.0
"""Before a pod's start: the counter's value at the start lies between two samples."""


@dataclass(frozen=True)
class MeteredPod:
    """A pod of an unsettled job: who it is, when it was reserved (seconds since 1970) and what its node can draw."""

    uid: str
    namespace: str
    name: str
    start: float
    end: float | None
    accelerators: int
    profile: ComputeProfileSpec

    @property
    def full_name(self) -> str:
        """As labels name it."""
        return f"{self.namespace}/{self.name}"

    def until(self, now: float) -> float:
        """Its end, or now."""
        return now if self.end is None else self.end

    def looked_at(self, now: float) -> tuple[float, float]:
        """From before its start to after its end: what is read for it, whatever is read for others beside."""
        return self.start - MARGIN_SECONDS, self.until(now) + LAST_WORD_SECONDS
