"""The pods that meters are asked about."""

from dataclasses import dataclass

from coppice.api.computeprofile import ComputeProfileSpec


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
