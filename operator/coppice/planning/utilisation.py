"""How much of its peak the hardware reaches: a small model of where the time goes, because one constant is about four
times wrong for small jobs.

Accelerators. Seconds of one device for one FLOP, when its steps are large:

    (fill / (peak x SUSTAINED x generation) + traffic / bandwidth) x network x goodput x mixture / tuning

    sustained   what dense matrix multiplications keep of the peak over all billed hours
    traffic     bytes that norms, activations and residuals move, TRAFFIC_BYTES x width for a token and block, over the
                FLOPs of that block. Narrow networks do few FLOPs for each byte, and newer accelerators have more peak
                for each byte of bandwidth: this is why small models and H100 reach less
    fill        1 + FILL_ELEMENTS x (peak / A100's) / (width x tokens of a step on one device): a step must hold enough
                output tiles for every multiprocessor
    network     1 + NETWORK x (peak / A100's) x (1 - 1 / sqrt(devices)) x sqrt(REFERENCE_TOKENS / tokens of a step on
                one device): gradients and shards that are not hidden behind arithmetic; links grew less than peaks
    goodput     devices ^ GOODPUT: failures, restarts and stragglers of large runs
    mixture     experts are fed by all-to-all exchanges
    tuning      what is not a large run is not tuned like one: eager kernels, padding, pauses to evaluate and to save

Each step also launches blocks x LAYER_SECONDS of kernels. Launching runs ahead of the kernels and hides behind long
ones, so the two combine as sqrt(arithmetic^2 + launching^2). Vision models take at least as long as their images take
to be read. Time rises with every one of these, falls with peak, bandwidth and the tokens of a step, and has no jumps.

Sustained, traffic, network and goodput are the most probable given the published runs of data/calibration-runs.csv
that print hours, with the priors stated in dev/evaluation (`python -m evaluation` fits them anew and says where they
differ); the others are named as assumptions. Published runs seldom print their steps: they count as REFERENCE_TOKENS
on a device, and full.

CPU. Calibrated on runs of this project: BERT-like networks in fp32 on one core of an EPYC 9004 (peak 83 GFLOP/s at
2.6 GHz with 32 operations a cycle), torch 2.x, batches of 8 to 32 at 64 and 128 tokens, CPU seconds of the process:

    width              128    256    384    768
    forward GFLOP/s     50     70     67     67
    training GFLOP/s    32     48     53     -

The two curves are drawn through these by eye. They are to be replaced by what reports measure; convolution networks
on CPU and everything on other CPUs are assumptions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from coppice.planning.column import hypot, sqrt


@dataclass(frozen=True)
class Coefficients:
    """What is fitted: shares without a unit, traffic in bytes for each unit of width, token and block in training."""

    sustained: float
    traffic_bytes: float
    network: float
    goodput: float


FITTED = Coefficients(sustained=0.545, traffic_bytes=300.0, network=0.149, goodput=0.0255)
"""Most probable on the published runs; kept equal to what the evaluation prints by its check."""

GENERATIONS: Mapping[str, float] = {
    "pascal": 1.0,
    "volta": 0.55,
    "turing": 0.5,
    "ampere": 1.0,
    "ada": 0.85,
    "hopper": 1.0,
    "blackwell": 0.9,
    "cdna": 0.75,
    "tpu": 1.0,
}
"""Share of `sustained` by generation. Ampere, Hopper and TPU are what was fitted. Assumed: first tensor cores starve
(published V100 runs reach about 20 %), boards of 70 W throttle below their peak (T4), and software for newer or other
vendors' chips is less mature."""
REFERENCE_PEAK = 312e12
"""A100's dense bf16 peak: the device whose links the network term is measured against."""
REFERENCE_BYTES_PER_FLOP = 2039e9 / 312e12
"""Bandwidth over 16-bit peak of an A100 80 GB, for an accelerator whose bandwidth nobody states."""
FILL_ELEMENTS = 6e5
"""Output elements that keep an A100 half busy: a third of one 128 x 128 tile on each of 108 multiprocessors, because
the inner layers are three to four times as wide as the network. Assumed."""
REFERENCE_TOKENS = 8192
"""Tokens of one step on one device at which NETWORK holds; 4 M tokens a step on 512 devices. Assumed."""
MIXTURE = 1.1
"""Time of a mixture of experts over a dense network of the same active FLOPs; assumed: published ones on Hopper reach
15 to 35 % of peak, dense ones 14 to 35 %, which leaves little for the exchange between experts."""
BUILT_IN_TUNING = 0.65
"""Share of a large run's speed that the built-in trainer's eager kernels keep on an accelerator. Assumed."""
TUNED_FLOPS, TUNING_RISE, LEAST_TUNING = 1e20, 0.1, 0.4
"""For runs of which only numbers are known: those of 1e20 FLOPs and more are as tuned as the published ones, a job of
1e17 runs at half their speed, none below 0.4. Assumed: published small jobs on one accelerator reach single digits."""
FULL_PRECISION_TRAFFIC = 2.0
"""Values of four bytes move twice what values of two bytes do."""
LAYER_SECONDS_TRAINING = 0.0025
LAYER_SECONDS_FORWARD = 0.0006
"""Time to launch one block's kernels in one step of eager PyTorch: a 12-layer encoder's smallest step takes about 30 ms
and its smallest forward pass 7 ms, whatever the accelerator. Assumed from typical profiles; bounds small models."""
UNKNOWN_LAYERS = 50
"""Blocks of a network whose depth is not stated, such as a convolution network."""

CONVOLUTION_ON_CPU = 0.15
CONVOLUTION_ON_ACCELERATOR = 0.1
"""Convolution networks are bound by memory and input: FLOPs / peak is about ten times too optimistic."""
IMAGES_PER_SECOND = 800.0
"""Images of 224 pixels that the host decodes and augments for one accelerator: eight cores at a hundred each; assumed.
Small vision models wait for them; smaller images are read faster by their area."""
IMAGE_SIDE = 224.0
CORES_IN_PARALLEL = 0.85
"""Share of the ideal speed-up that more than one core brings; assumed."""

START_SECONDS = {"cpu": 30.0, "accelerator": 60.0}
"""From scheduling to the first step: sandbox, fetching and verifying files, imports, loading; image present."""


@dataclass(frozen=True)
class Rates:
    """FLOP/s in and outside training of all devices together, and launch seconds of a step."""

    forward: float
    training: float
    forward_step_seconds: float = 0.0
    training_step_seconds: float = 0.0


@dataclass(frozen=True)
class Device:
    """One accelerator as the model sees it: dense FLOP/s at the dtype, bytes a second, generation, bytes of a value."""

    peak_flops: float
    bytes_per_second: float
    generation: str = ""
    value_bytes: int = 2


@dataclass(frozen=True)
class Shape:
    """A network as the model sees it: blocks, width, FLOPs of one token's forward pass, whether it mixes experts.

    `step_tokens` are those of one step on all devices together; None where a large run does not say.
    """

    layers: int | None
    hidden_size: int | None
    flops_per_token: float
    mixture: bool = False
    step_tokens: float | None = None


def tuning(flops: float) -> float:
    """Share of a large run's speed that somebody's run of so many FLOPs keeps."""
    return float(min(max((flops / TUNED_FLOPS) ** TUNING_RISE, LEAST_TUNING), 1.0))


def overlapped(arithmetic_seconds: float, launch_seconds: float) -> float:
    """Seconds of a run whose kernels are launched ahead: the longer of the two, or a little more where alike."""
    return hypot(arithmetic_seconds, launch_seconds)


def input_seconds(images: float, side: float, devices: int) -> float:
    """Seconds that reading so many images of that side takes at least, for so many accelerators."""
    return images * (side / IMAGE_SIDE) ** 2 / (IMAGES_PER_SECOND * devices)


def cpu_rates(peak: float, cores: float, hidden_size: int | None) -> Rates:
    """Rates of `cores` cores whose peak together is `peak` FLOP/s."""
    together = peak * (CORES_IN_PARALLEL if cores > 1 else 1.0)
    if hidden_size is None:
        return Rates(together * CONVOLUTION_ON_CPU, together * CONVOLUTION_ON_CPU)
    return Rates(
        forward=together * 0.9 * hidden_size / (hidden_size + 64),
        training=together * 0.7 * hidden_size / (hidden_size + 96),
    )


def accelerator_rates(device: Device, devices: int, shape: Shape, fitted: Coefficients = FITTED) -> Rates:
    """Rates of so many devices on a network."""
    rate = devices * sustained_flops(device, devices, shape, fitted)
    blocks = UNKNOWN_LAYERS if shape.layers is None else shape.layers
    return Rates(rate, rate, blocks * LAYER_SECONDS_FORWARD, blocks * LAYER_SECONDS_TRAINING)


def sustained_flops(device: Device, devices: int, shape: Shape, fitted: Coefficients = FITTED) -> float:
    """FLOP/s that one of so many devices sustains."""
    generation = GENERATIONS.get(device.generation, 1.0) if device.value_bytes == 2 else 1.0
    peaks = device.peak_flops / REFERENCE_PEAK
    tokens = None if shape.step_tokens is None else shape.step_tokens / devices
    if shape.hidden_size is None or shape.layers is None:
        arithmetic = 1 / (device.peak_flops * CONVOLUTION_ON_ACCELERATOR)
    else:
        fill = 1 + FILL_ELEMENTS * peaks / (shape.hidden_size * tokens) if tokens is not None else 1.0
        busy = device.peak_flops * fitted.sustained * generation
        arithmetic = fill / busy + _traffic_seconds(device, shape, fitted)
    network = 1 + fitted.network * peaks * (1 - 1 / sqrt(devices)) * sqrt(
        REFERENCE_TOKENS / (REFERENCE_TOKENS if tokens is None else tokens)
    )
    mixture = MIXTURE if shape.mixture else 1.0
    seconds: float = arithmetic * network * mixture * devices**fitted.goodput
    return 1.0 / seconds


def _traffic_seconds(device: Device, shape: Shape, fitted: Coefficients) -> float:
    """Seconds of moving bytes for one FLOP; a training pass is three forward passes of both."""
    assert shape.hidden_size is not None
    assert shape.layers is not None
    width = shape.hidden_size * shape.layers
    precision = FULL_PRECISION_TRAFFIC if device.value_bytes > 2 else 1.0
    return fitted.traffic_bytes * precision * width / (3 * shape.flops_per_token * device.bytes_per_second)
