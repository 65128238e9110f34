"""Which image runs the built-in trainer; the installation says so, never a job."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Images:
    """The trainer's image reference and when nodes pull it: IfNotPresent, Always or Never."""

    trainer: str
    pull_policy: str = "IfNotPresent"
