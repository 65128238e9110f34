"""Peak memory of one device, in bytes.

weights      4 a parameter: the built-in trainer loads fp32 and multiplies in 16 bit under autocast, which adds a copy
             of 2; frozen weights of a user's own container as their files hold them, where nobody says in the
             type that is computed in; QLoRA about 0.6
gradients    4 a trained parameter
optimiser    AdamW 8 a trained parameter, in 8 bit 2, SGD with momentum 4
activations  see `activations`; a language model's logits come on top
framework    5 GiB beside an accelerator's context, 1 GiB on CPU

For AdamW in mixed precision that makes 18 bytes a parameter, in fp32 16 (Rajbhandari et al. 2020 count 16 to 20).
Gradients do not exist while activations pile up, so on one device the larger of the two counts; with several devices
their buckets stay, and in convolution networks the last layers, which have most weights, get theirs while the first
ones still hold most activations. Sharding divides by the number of devices; ZeRO-3 keeps the layer at hand and the
next one whole.

Against the peak resident growth of small BERT, Llama, ViT and ResNet trainings on CPU in fp32, by every method, the
formulas are off by 9 % at most (tests/trainer/test_memory_against_torch.py), after four terms were corrected by first
measurements of the same cases; mixed precision, sharding and quantised weights were not measured.
"""

from enum import StrEnum

from coppice.api.vocabulary import Method
from coppice.planning.activations import (
    FULL,
    MIXED,
    ON_CPU,
    Precision,
    held_in_forward,
    kept_for_training,
)
from coppice.planning.column import at_least
from coppice.planning.hardware import Hardware
from coppice.planning.lognormal import LogNormal
from coppice.planning.network import Network
from coppice.planning.passes import ADAPTED
from coppice.planning.sharding import Layout, Stage
from coppice.planning.workload import FORWARD_BATCH, Workload

GIBIBYTE = 2**30
FRAMEWORK_BYTES = {"cpu": 1 * GIBIBYTE, "accelerator": 5 * GIBIBYTE}
MEMORY_SIGMA = 0.2
"""Spread of the formula against allocators; measured differences are within 20 %."""
QUANTISED_BYTES = 0.6
"""Of a 4-bit weight with its block scales and double quantisation (Dettmers et al. 2023), and layers left alone."""
FROZEN = frozenset({Method.AS_IS, Method.LINEAR_PROBE})
LOGIT_COPIES = 3.0
"""Of a language model's logits in 4 bytes when the backward pass begins: log-softmax, its gradient, its input's."""


class Optimizer(StrEnum):
    """What keeps state for every trained parameter."""

    ADAMW = "AdamW"
    ADAMW_8BIT = "AdamW8bit"
    SGD = "SGD"

    @property
    def state_bytes(self) -> float:
        """Bytes of state for one trained parameter."""
        return {Optimizer.ADAMW: 8.0, Optimizer.ADAMW_8BIT: 2.0, Optimizer.SGD: 4.0}[self]


def memory(
    network: Network,
    method: Method,
    work: Workload,
    hardware: Hardware,
    *,
    layout: Layout | None = None,
    optimizer: Optimizer = Optimizer.ADAMW,
) -> LogNormal:
    """Peak memory of a method on one device; `layout` is the hardware's own unless another is asked about."""
    layout = layout or hardware.layout
    framework = float(FRAMEWORK_BYTES[hardware.kind])
    if method in FROZEN:
        return LogNormal(framework + _forward_bytes(network, work, layout), MEMORY_SIGMA)
    mixed = hardware.dtype not in {"fp32", "tf32"}
    precision = ON_CPU if hardware.kind == "cpu" else MIXED if mixed else FULL
    held = _Held(network, method, work.rank, layout, 2.0 if mixed else 0.0, optimizer)
    kept = _kept_bytes(network, method, work, layout, precision)
    return LogNormal(framework + held.peak(kept), MEMORY_SIGMA)


def _forward_bytes(network: Network, work: Workload, layout: Layout) -> float:
    """Weights as the trainer loads them, and what one batch holds while it passes."""
    width = float(network.stored_bytes) if layout.as_stored else 4.0
    return width * network.parameters + FORWARD_BATCH * held_in_forward(network, work.longest, width)


def _kept_bytes(network: Network, method: Method, work: Workload, layout: Layout, precision: Precision) -> float:
    """Activations and logits of one device's part of a batch."""
    examples = -(-work.batch // layout.devices)
    checkpointing = layout.checkpointing or method is Method.QLORA
    each = kept_for_training(network, work.longest, precision, adapted=method in ADAPTED, checkpointing=checkpointing)
    logits = work.longest * network.token_outputs * (4.0 * LOGIT_COPIES + (2.0 if precision.narrow < 4 else 0.0))
    return examples * (each + logits)


class _Held:
    """Weights, gradients and optimiser state of one device."""

    def __init__(
        self, network: Network, method: Method, rank: int, layout: Layout, cast: float, optimizer: Optimizer
    ) -> None:
        adapted = method in ADAPTED
        trained = network.adapter_parameters(rank) if adapted else network.parameters
        frozen = network.parameters if adapted else 0
        width = QUANTISED_BYTES if method is Method.QLORA else _frozen_bytes(network, layout, cast)
        self._together = layout.devices > 1 or network.shape is None
        self._weights = (4.0 * trained + width * frozen) * layout.share(Stage.ZERO_3)
        self._casts = cast * (trained + (frozen if width == 4.0 else 0)) * layout.share(Stage.ZERO_3)
        self._state = optimizer.state_bytes * trained * layout.share(Stage.ZERO_1)
        self._gradients = 4.0 * trained * layout.share(Stage.ZERO_2)
        self._gathered = 0.0
        if layout.stage is Stage.ZERO_3:
            self._gathered = 2.0 * (cast or 4.0) * network.parameters / (network.depth or 1)

    def peak(self, kept: float) -> float:
        """With so many bytes of activations: at the end of the forward pass, or of the backward pass."""
        always = self._weights + self._state + self._gathered
        forward = kept + self._casts
        if self._together:
            return always + forward + self._gradients
        return always + at_least(forward, self._gradients)


def _frozen_bytes(network: Network, layout: Layout, cast: float) -> float:
    if not layout.as_stored:
        return 4.0
    return float(min(network.stored_bytes, cast or 4)) if network.dtype else cast or 4.0
