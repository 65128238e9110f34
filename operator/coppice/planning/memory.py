"""Peak memory of one device, in bytes.

weights and optimiser   AdamW in fp32 16 bytes a parameter, mixed precision 18; frozen weights 4 or 2; QLoRA 0.6
activations, training   S B d L (34 + 5 a S / d) bytes in 16 bit without recomputation (Korthikanti et al. 2022);
                        twice that in fp32; a forward pass keeps one block's
framework               5 GiB beside an accelerator's context, 1 GiB on CPU
"""

from coppice.api.vocabulary import Method
from coppice.planning.hardware import Hardware
from coppice.planning.lognormal import LogNormal
from coppice.planning.network import HEAD_WIDTH, Network
from coppice.planning.workload import FORWARD_BATCH, LORA_RANK, Workload

GIBIBYTE = 2**30
FRAMEWORK_BYTES = {"cpu": 1 * GIBIBYTE, "accelerator": 5 * GIBIBYTE}
MEMORY_SIGMA = 0.2
"""Spread of the formula against allocators; assumed."""
CONVOLUTION_BYTES_PER_FLOP = 0.012
"""Activations kept for training per forward FLOP, fp32: about 100 MB for ResNet-50's 8.2 GFLOP at 224 pixels."""

ADAPTED = frozenset({Method.LORA, Method.QLORA})
FROZEN = frozenset({Method.AS_IS, Method.LINEAR_PROBE})


def memory(network: Network, method: Method, work: Workload, hardware: Hardware) -> LogNormal:
    """Peak memory of a method on one device."""
    width = 2 if hardware.dtype in {"bf16", "fp16"} else 4
    states, activations = _states(network, method, width), _activations(network, method, work, width)
    return LogNormal(FRAMEWORK_BYTES[hardware.kind] + states + activations, MEMORY_SIGMA)


def _states(network: Network, method: Method, width: int) -> float:
    trained = 18.0 if width == 2 else 16.0
    if method in FROZEN:
        return float(width * network.parameters)
    if method in ADAPTED:
        frozen = 0.6 if method is Method.QLORA else float(width)
        return frozen * network.parameters + trained * network.adapter_parameters(LORA_RANK)
    return trained * network.parameters


def _activations(network: Network, method: Method, work: Workload, width: int) -> float:
    if network.hidden_size is None or network.layers is None:
        flops = network.forward_flops(work.tokens)
        return CONVOLUTION_BYTES_PER_FLOP * flops * work.batch * width / 4
    forward_only = method in FROZEN
    layers, batch = (1, FORWARD_BATCH) if forward_only else (network.layers, work.batch)
    heads = max(network.hidden_size / HEAD_WIDTH, 1.0)
    a_token = 34 + 5 * heads * work.tokens / network.hidden_size
    return work.tokens * batch * network.hidden_size * layers * a_token * width / 2
