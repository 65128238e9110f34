"""FLOPs of training on one example, by method.

    FullFineTune, FromScratch   forward, gradients of activations, gradients of weights: three forward passes; a first
                                layer that reads pixels needs no gradient of its input
    LoRA                        forward, gradients of activations, and three passes of the small adapters; frozen
                                weights need no gradient, nor does anything below the first block
    QLoRA                       the same, with blocks computed again in the backward pass, as its recipes do

Attention has no weights, so it always costs three passes. Recomputing activations adds a forward pass of the blocks,
but for the last layer of a block whose result nothing keeps, which torch leaves out: x 4/3 for BERT, 1.23 for Llama.
Counted with torch's FLOP counter, LoRA at rank 8 costs 0.67 to 0.74 of full training and 0.70 to 0.79 at rank 64, with
recomputation about 1.01: not the 4ND that leaving out one of three passes suggests.
"""

from coppice.api.vocabulary import Method
from coppice.planning.network import Network

TRAINING_PASSES = {
    Method.LORA: 3 * 0.70,
    Method.QLORA: 3 * 1.01,
    Method.FULL_FINE_TUNE: 3.0,
    Method.FROM_SCRATCH: 3.0,
}
"""FLOPs of training on one example in forward passes of it, for networks of whose blocks nothing is known."""
ADAPTED = frozenset({Method.LORA, Method.QLORA})
LORA_RANK = 8


def training_flops(
    network: Network, method: Method, tokens: int, *, rank: int = LORA_RANK, checkpointing: bool = False
) -> float:
    """FLOPs of one training pass over one example; 0 for methods that train no network.

    `checkpointing` computes the blocks again in the backward pass.
    """
    forward = network.forward_flops(tokens)
    if method not in TRAINING_PASSES:
        return 0.0
    again = checkpointing or method is Method.QLORA
    if method in ADAPTED and network.shape is not None:
        return _adapted(network, tokens, rank, again=again)
    recomputed = 0.0
    if checkpointing and method is not Method.QLORA:
        recomputed = forward if network.shape is None else _recomputed(network, tokens)
    return TRAINING_PASSES[method] * forward - network.stem_flops + recomputed


def _adapted(network: Network, tokens: int, rank: int, *, again: bool) -> float:
    block, layers = network.shape, network.depth
    assert block is not None
    attention = network.attention_flops(tokens)
    linear = network.forward_flops(tokens) - attention
    adapters = 2.0 * tokens * rank * block.adapter_width * layers
    first = 2.0 * tokens * (block.input_parameters + 3 * rank * block.width)
    once = 2.0 * linear - network.stem_flops + 3.0 * (attention + adapters) - first
    return once + (_blocks(network, tokens) + adapters if again else 0.0)


def _recomputed(network: Network, tokens: int) -> float:
    """FLOPs of computing the blocks again: without the last layer of each, unless something keeps what it returns."""
    block = network.shape
    assert block is not None
    last = (1 - network.traits.post_norm) * block.experts * block.inner * block.width
    return _blocks(network, tokens) - 2.0 * tokens * last * network.depth


def _blocks(network: Network, tokens: int) -> float:
    """FLOPs of the blocks' forward pass."""
    block = network.shape
    assert block is not None
    return 2.0 * tokens * block.parameters * network.depth + network.attention_flops(tokens)
