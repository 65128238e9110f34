"""Bytes that a forward pass leaves on the device, for the backward pass or only while it runs.

Counted from what autograd keeps in the transformers library's blocks; in 16 bit and with unfused attention it comes
to the S B d (34 + 5 a S / d) bytes a layer of Korthikanti et al. (2022). Torch's fused attention keeps no S x S
matrix, so the second term is gone, except where it cannot be used: on a CPU with dropout, and in families without it.

In mixed precision normalisations and residuals stay in 4 bytes ("wide"), the rest takes 2 ("narrow"). A dropout mask
takes 1 byte on an accelerator and an element on a CPU. Adapters keep a dropped-out copy of every layer's input, which
is why LoRA saves little of this part.
"""

from dataclasses import dataclass

from coppice.planning.block import Block
from coppice.planning.column import at_least
from coppice.planning.families import Traits
from coppice.planning.network import Network

WIDE = 4.0
CONVOLUTION_ELEMENTS_PER_FLOP = {
    "resnet": 0.0026,
    "swin": 0.0030,
    "convnext": 0.0031,
    "convnextv2": 0.0031,
    "mobilenet_v1": 0.0137,
    "efficientnet": 0.0290,
    "mobilenet_v2": 0.0334,
}
"""Elements kept for the backward pass for each forward FLOP, of a registered model whose layers nobody counted: what
autograd saves (the trainer's `count`, torch 2.15) of ResNet-50, Swin-T, ConvNeXt-T, MobileNets and EfficientNet-B0."""
UNCOUNTED_ELEMENTS_PER_FLOP = 0.004
"""Of any other network without blocks; assumed."""


@dataclass(frozen=True)
class Precision:
    """Bytes of an element in multiplications, and of a dropout mask; whether attention can be fused with dropout."""

    narrow: float
    mask: float
    fused_with_dropout: bool


ON_CPU = Precision(narrow=4.0, mask=4.0, fused_with_dropout=False)
FULL = Precision(narrow=4.0, mask=1.0, fused_with_dropout=True)
MIXED = Precision(narrow=2.0, mask=1.0, fused_with_dropout=True)


def kept_for_training(
    network: Network, tokens: int, precision: Precision, *, adapted: bool, checkpointing: bool
) -> float:
    """Bytes of one example when the backward pass begins, with the first gradients that it makes."""
    block, layers = network.shape, network.depth
    if block is None or network.kept_elements is not None:
        return _elements_without_blocks(network, tokens) * precision.narrow
    one = _block_bytes(block, network.traits, tokens, precision, adapted=adapted)
    gradients = 2.0 * tokens * (block.width + block.inner * block.experts) * precision.narrow
    if checkpointing:
        return layers * tokens * block.width * WIDE + one + gradients
    return layers * one + gradients + tokens * block.width * (WIDE + precision.mask * network.traits.dropout)


def held_in_forward(network: Network, tokens: int, width: float) -> float:
    """Bytes of one example while a forward pass runs that keeps nothing: inputs and outputs of the widest layer."""
    block = network.shape
    if block is None:
        return _elements_without_blocks(network, tokens) * width / FORWARD_PARTS
    return tokens * width * (2 * block.width + at_least(block.matrices * block.inner, 3 * block.attention_width))


FORWARD_PARTS = 12.0
"""A convolution network's largest layers, input and output, hold about this part of what all layers keep."""


def _block_bytes(block: Block, traits: Traits, tokens: int, precision: Precision, *, adapted: bool) -> float:
    """What one block keeps of one example."""
    width, inner = block.width, block.inner * block.experts
    heads = block.attention_width + 2 * block.key_value_width
    inside = inner * (1 + 2 * traits.gated)  # the activation's input; gated: the gate's two factors as well
    if adapted:
        inputs = (4 + traits.gated) * width + block.attention_width + inner
        narrow, wide = inputs + heads + block.attention_width + inside, 2 * width
        masks = inputs
    else:
        inputs = 2 * width + block.attention_width + inner
        narrow, wide = inputs + heads + inside, 2 * width * traits.normed
        masks = 0
    masks = masks + 2 * width * traits.dropout
    kept = tokens * (narrow * precision.narrow + wide * WIDE + masks * precision.mask)
    return kept + _square_bytes(block, traits, tokens, precision)


def _square_bytes(block: Block, traits: Traits, tokens: int, precision: Precision) -> float:
    """The S x S matrices of attention that is not fused: weights, mask and dropped-out weights."""
    fused = traits.fused_attention * (1 if precision.fused_with_dropout else 1 - traits.dropout)
    return (1 - fused) * (block.heads * tokens**2 * (2.0 * precision.narrow + precision.mask))


def _elements_without_blocks(network: Network, tokens: int) -> float:
    if network.kept_elements is not None:
        return 1.0 * network.kept_elements
    per_flop = CONVOLUTION_ELEMENTS_PER_FLOP.get(network.family, UNCOUNTED_ELEMENTS_PER_FLOP)
    return network.forward_flops(tokens) * per_flop
