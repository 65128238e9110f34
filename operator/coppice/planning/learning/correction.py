"""A correction: the factors by which experience moves an estimate, each with its evidence.

A factor's prior is 1. `own`, `others` and `related` count jobs: of this namespace and of other namespaces in the same
cell (method, family, profile), and of all other cells, which speak through the effects they share.
"""

from dataclasses import dataclass
from decimal import Decimal

from coppice.api.base import rounded


@dataclass(frozen=True)
class Factor:
    """A factor's posterior: its median, by how much its own uncertainty changed, and the jobs behind it.

    `spread` multiplies the standard deviation that the estimate has without experience.
    """

    median: float = 1.0
    spread: float = 1.0
    sigma: float = 0.0
    own: int = 0
    others: int = 0
    related: int = 0

    @property
    def learned(self) -> bool:
        return self.own + self.others + self.related > 0

    def inputs(self, name: str) -> dict[str, Decimal | str]:
        """As it stands in an estimate's inputs; nothing where nothing was learned."""
        if not self.learned:
            return {}
        evidence = f"{self.own} own, {self.others} others, {self.related} related"
        return {
            f"{name}Factor": rounded(self.median),
            f"{name}FactorSigma": rounded(self.sigma, 3),
            f"{name}Evidence": evidence,
        }


NOT_LEARNED = Factor()


@dataclass(frozen=True)
class Correction:
    """What experience says of one cell's run time, of its main component's power, and of memory on CPU."""

    time: Factor = NOT_LEARNED
    power: Factor = NOT_LEARNED
    memory: Factor = NOT_LEARNED

    @property
    def inputs(self) -> dict[str, Decimal | str]:
        """What an estimate's inputs say of it."""
        return self.time.inputs("time") | self.power.inputs("power") | self.memory.inputs("memory")


NO_CORRECTION = Correction()
