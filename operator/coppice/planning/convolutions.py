"""Convolutions counted one by one: parameters, FLOPs (2 per multiply-add), elements kept for the backward pass."""

from dataclasses import dataclass

from coppice.planning.network import Network


@dataclass
class Convolutions:
    """The sums so far. `kept` counts elements, `stem` the FLOPs of the first layer, which reads pixels."""

    parameters: int = 0
    flops: int = 0
    kept: int = 0
    stem: int = 0

    def add(self, inputs: int, outputs: int, kernel: int, side: int, *, groups: int = 1, keeps: int = 2) -> int:
        """One convolution whose output has the given side, which is returned.

        `keeps` is how many copies of its output stay: itself, for the normalisation behind it, and what the
        activation returns, which the next layer reads; 1 where no activation follows.
        """
        weights = inputs // groups * outputs * kernel**2
        self.parameters += weights
        self.flops += 2 * weights * side**2
        self.kept += keeps * outputs * side**2
        self.stem = self.stem or self.flops
        return side

    def network(self, family: str, side: int) -> Network:
        """What was counted, as a network that reads pictures of that side."""
        return Network(
            family,
            self.parameters,
            image_size=side,
            forward_flops_per_example=self.flops,
            stem_flops=self.stem,
            kept_elements=self.kept,
        )

    def linear(self, inputs: int, outputs: int, times: int = 1) -> None:
        """A fully connected layer that is used so many times for an example."""
        self.parameters += inputs * outputs
        self.flops += 2 * inputs * outputs * times


def halved(side: int) -> int:
    """The side after a stride of two with padding."""
    return -(-side // 2)
