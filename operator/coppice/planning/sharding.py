"""How a training lies on its devices: what each of them holds, and whether activations are kept or computed again.

    data parallel   every device holds everything and sees its share of the batch
    ZeRO-1          optimiser state is divided among the devices (Rajbhandari et al. 2020)
    ZeRO-2          gradients too
    ZeRO-3          weights too, gathered layer by layer (FSDP's full sharding)

The built-in trainer runs in one pod, data parallel, and can recompute activations; sharding is for estimates and for
a user's own container, which may use any of it. Dividing weights costs communication, recomputing a third more work,
so a layout that needs neither comes first and the first that fits is taken.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from functools import lru_cache


class Stage(IntEnum):
    """What is divided among the devices; each stage divides what the one before does."""

    DATA_PARALLEL = 0
    ZERO_1 = 1
    ZERO_2 = 2
    ZERO_3 = 3

    @property
    def label(self) -> str:
        """For people and records."""
        return "data parallel" if self is Stage.DATA_PARALLEL else f"ZeRO-{self.value}"


@dataclass(frozen=True)
class Layout:
    """One way to lie on so many devices. `as_stored`: frozen weights keep the type of their files."""

    devices: int = 1
    stage: Stage = Stage.DATA_PARALLEL
    checkpointing: bool = False
    as_stored: bool = False

    def share(self, stage: Stage) -> float:
        """The part that one device holds of what is divided from that stage on."""
        return 1.0 / self.devices if self.stage >= stage else 1.0

    def inputs(self) -> dict[str, Decimal | str]:
        """What an estimate on it takes for granted; empty for one device that keeps its activations."""
        said: dict[str, Decimal | str] = {}
        if self.devices > 1:
            said["sharding"] = self.stage.label
        if self.checkpointing:
            said["gradientCheckpointing"] = "true"
        return said


SINGLE = Layout()


@lru_cache(maxsize=1024)
def layouts(devices: int, *, may_shard: bool, may_recompute: bool, recompute: bool | None = None) -> tuple[Layout, ...]:
    """The layouts to try, the least costly first.

    `may_shard` for a user's own container, `may_recompute` where blocks can be; `recompute` is the user's own word.
    """
    stages = tuple(Stage) if may_shard and devices > 1 else (Stage.DATA_PARALLEL,)
    choices = (False, True) if recompute is None else (recompute,)
    if not may_recompute:
        choices = (False,)
    return tuple(
        Layout(devices, stage, checkpointing, as_stored=may_shard) for checkpointing in choices for stage in stages
    )
