"""How much of its peak the hardware reaches: one table, because one constant is about four times wrong for small jobs.

Accelerators. Over all billed hours, sustained FLOP/s are a median of 35 % of the dense peak on A100 and 27 % on H100
for models above 1 B parameters (published training runs); below, single-GPU jobs fall to single digits because every
layer of every step costs a launch. So: seconds = FLOPs / (peak x SUSTAINED) + steps x layers x LAYER_SECONDS, and the
share of peak that comes out drives power.

CPU. Calibrated on runs of this project: BERT-like networks in fp32 on one core of an EPYC 9004 (peak 83 GFLOP/s at
2.6 GHz with 32 operations a cycle), torch 2.x, batches of 8 to 32 at 64 and 128 tokens, CPU seconds of the process:

    width              128    256    384    768
    forward GFLOP/s     50     70     67     67
    training GFLOP/s    32     48     53     -

The two curves are drawn through these by eye. They are to be replaced by what reports measure; convolution networks
on CPU and everything on other CPUs are assumptions.
"""

from dataclasses import dataclass

SUSTAINED = 0.33
"""Share of an accelerator's dense peak that a saturated training step sustains; between A100's and H100's median."""
FP32_SUSTAINED = 0.5
"""The same without tensor cores, whose peak is harder to feed; assumed."""
LAYER_SECONDS_TRAINING = 0.0015
LAYER_SECONDS_FORWARD = 0.0004
"""Launch time of one block in one step, eager PyTorch; assumed from typical profiles, bounds small models."""
UNKNOWN_LAYERS = 50
"""Blocks of a network whose depth is not stated, such as a convolution network."""

CONVOLUTION_ON_CPU = 0.15
CONVOLUTION_ON_ACCELERATOR = 0.1
"""Convolution networks are bound by memory and input: FLOPs / peak is about ten times too optimistic."""
CORES_IN_PARALLEL = 0.85
"""Share of the ideal speed-up that more than one core brings; assumed."""

START_SECONDS = {"cpu": 30.0, "accelerator": 60.0}
"""From scheduling to the first step: sandbox, fetching and verifying files, imports, loading; image present."""


@dataclass(frozen=True)
class Rates:
    """FLOP/s in and outside training, and launch seconds of a step."""

    forward: float
    training: float
    forward_step_seconds: float = 0.0
    training_step_seconds: float = 0.0


def cpu_rates(peak: float, cores: float, hidden_size: int | None) -> Rates:
    """Rates of `cores` cores whose peak together is `peak` FLOP/s."""
    together = peak * (CORES_IN_PARALLEL if cores > 1 else 1.0)
    if hidden_size is None:
        return Rates(together * CONVOLUTION_ON_CPU, together * CONVOLUTION_ON_CPU)
    return Rates(
        forward=together * 0.9 * hidden_size / (hidden_size + 64),
        training=together * 0.7 * hidden_size / (hidden_size + 96),
    )


def accelerator_rates(peak: float, dtype: str, layers: int | None, hidden_size: int | None) -> Rates:
    """Rates of accelerators whose dense peak together is `peak` FLOP/s at that dtype."""
    sustained = FP32_SUSTAINED if dtype == "fp32" else SUSTAINED
    if hidden_size is None:
        sustained = CONVOLUTION_ON_ACCELERATOR
    blocks = layers or UNKNOWN_LAYERS
    rate = peak * sustained
    return Rates(rate, rate, blocks * LAYER_SECONDS_FORWARD, blocks * LAYER_SECONDS_TRAINING)
