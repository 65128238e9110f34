"""A stack: networks of one nature as a single one whose figures are columns, so that an estimate takes all at once.

Networks are of one nature where formulas take the same way through them: of the same type of weights and size of
images, with the same figures known. What families are known for stands in columns as well, 1 where it holds; but
networks without blocks differ by family, as their activations do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from coppice.planning.block import Block
from coppice.planning.column import Figures
from coppice.planning.families import NOTHING_KNOWN, Traits
from coppice.planning.network import Network

UNBOUNDED = 2**53
"""Stands for the longest input of a network that takes any."""


@dataclass(frozen=True)
class Stack(Network):
    """What follows from the figures of one network, as columns too."""

    matrix_parameters: int = 0
    token_parameters: int = 0
    depth: int = 0
    mixture: bool = False
    traits: Traits = NOTHING_KNOWN
    shape: Block | None = None


def row(network: Network) -> tuple[float, ...]:
    """The figures of one network in the order that `stacked` takes them in, worked out once; 0 where there is none."""
    known: tuple[float, ...] | None = network.__dict__.get("_row")
    if known is None:
        known = network.__dict__["_row"] = _row(network)
    return known


def _row(network: Network) -> tuple[float, ...]:
    block = network.shape
    return (
        network.parameters,
        network.layers or 0,
        network.hidden_size or 0,
        network.max_sequence_length or UNBOUNDED,
        network.forward_flops_per_example or 0,
        network.example_parameters,
        network.token_outputs,
        network.stem_flops,
        network.kept_elements or 0,
        network.tokens(1) if _is_counted(network) else 0,
        network.matrix_parameters,
        network.token_parameters,
        *((block.width, block.inner, block.attention_width) if block else (0, 0, 0)),
        *((block.key_value_width, block.heads, block.experts, block.gated) if block else (0, 0, 0, 0)),
        network.traits.normed,
        network.traits.dropout,
        network.traits.fused_attention,
        network.traits.post_norm,
        network.traits.recomputable,
    )


def figures(networks: Sequence[Network]) -> Figures:
    """The rows of all of these."""
    return np.array([row(one) for one in networks], dtype=float)


def stacked(first: Network, rows: Figures) -> Stack:
    """Networks as one, by their rows and any one of them.

    They are of one nature, or at least of one pace where only time and power are asked for.
    """
    columns = rows.T
    shape = None
    if first.shape:
        width, inner, attention, key_value, heads, experts, gated = columns[12:19]
        shape = Block(width, inner, attention, key_value, heads, gated, experts)
    normed, dropout, fused, post_norm, recomputable = columns[19:]
    return Stack(
        family=first.family,
        parameters=columns[0],
        layers=None if first.layers is None else columns[1],
        hidden_size=None if first.hidden_size is None else columns[2],
        max_sequence_length=columns[3],
        image_size=first.image_size,
        forward_flops_per_example=None if first.forward_flops_per_example is None else columns[4],
        block=shape,
        example_parameters=columns[5],
        token_outputs=columns[6],
        stem_flops=columns[7],
        kept_elements=None if first.kept_elements is None else columns[8],
        counted_tokens=columns[9] if _is_counted(first) else None,
        dtype=first.dtype,
        matrix_parameters=columns[10],
        token_parameters=columns[11],
        depth=columns[1],
        mixture=first.mixture,
        traits=replace(
            first.traits,
            gated=columns[18],
            normed=normed,
            dropout=dropout,
            fused_attention=fused,
            post_norm=post_norm,
            recomputable=recomputable,
        ),
        shape=shape,
    )


def _is_counted(network: Network) -> bool:
    """Whether its tokens are its own and not the text's."""
    return network.forward_flops_per_example is not None or network.counted_tokens is not None
