"""One block of a transformer by its sizes: how many weights meet each token, and what adapters on them add."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Block:
    """Widths in elements. `inner` is that of one expert, `experts` how many of them a token passes through."""

    width: int
    inner: int
    attention_width: int
    key_value_width: int
    heads: int
    gated: bool = False
    experts: int = 1

    @property
    def matrices(self) -> int:
        """Of the feed-forward part: a gate makes a third."""
        return 2 + self.gated

    @cached_property
    def input_parameters(self) -> int:
        """Of the projections to queries, keys and values."""
        return self.width * (self.attention_width + 2 * self.key_value_width)

    @cached_property
    def feed_forward_parameters(self) -> int:
        """Of one expert."""
        return self.matrices * self.width * self.inner

    @cached_property
    def parameters(self) -> int:
        """Weights that multiply one token; biases and normalisations are left out."""
        output = self.attention_width * self.width
        return self.input_parameters + output + self.experts * self.feed_forward_parameters

    @cached_property
    def adapter_width(self) -> int:
        """Parameters of LoRA adapters of rank 1 on all linear layers: inputs plus outputs of each."""
        attention = 2 * (self.width + self.attention_width) + 2 * (self.width + self.key_value_width)
        return attention + self.experts * self.matrices * (self.width + self.inner)


def block_of(
    matrix_parameters_of_block: float,
    width: int,
    *,
    gated: bool,
    inner: int | None = None,
    heads: int | None = None,
    key_value_heads: int | None = None,
) -> Block:
    """A block of which not every size is stated.

    Heads are 64 wide where nobody says otherwise, as in BERT, ViT and most that followed; the inner width is what the
    parameters leave.
    """
    heads = heads or max(width // HEAD_WIDTH, 1)
    key_value_width = width * min(key_value_heads or heads, heads) // heads
    if inner is None:
        rest = matrix_parameters_of_block - 2 * width * (width + key_value_width)
        inner = max(round(rest / ((3 if gated else 2) * width)), width)
    return Block(width, inner, width, key_value_width, heads, gated)


HEAD_WIDTH = 64
