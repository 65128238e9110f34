"""A training told in a few numbers, before there is a job, a model or a cluster; what `coppice estimate` answers.

Whatever is not said is assumed by a documented rule and listed with the answer. The numbers go through the same
functions as a job's decision does: network, memory, layout, utilisation, power.

Published hours divide into model FLOPs, recomputation left out; so recomputing activations to fit changes the memory
here and not the hours, unless somebody asks for `checkpointing`, which adds its work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import ceil, sqrt

from coppice.api.base import rounded
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import Intensity
from coppice.api.trainingjob import Resources
from coppice.api.vocabulary import Method
from coppice.planning.accelerators import AcceleratorFigures
from coppice.planning.catalogue import Catalogue
from coppice.planning.estimate import Estimate, estimate_of_work
from coppice.planning.hardware import Hardware
from coppice.planning.inferred import inferred_network, step_tokens
from coppice.planning.lognormal import LogNormal
from coppice.planning.memory import FROZEN, QUANTISED_BYTES, memory
from coppice.planning.money import Prices
from coppice.planning.network import Network
from coppice.planning.passes import LORA_RANK, training_flops
from coppice.planning.sharding import Layout, layouts
from coppice.planning.utilisation import REFERENCE_TOKENS, tuning
from coppice.planning.workload import DEFAULT_BATCH, FORWARD_BATCH, Workload
from coppice.planning.world import World

PUE = 1.2
"""Middle of what clouds publish for their fleets (1.07 to 1.46); the industry's average is 1.56."""
CORES_PER_ACCELERATOR = 16
BUSY_SHARE_OF_HOST, BUSY_CORES = 0.4, 2.4
"""Part of the host's watts that is its processors at work, and on how many cores they work (see `power`)."""
MOST_PER_NODE = 8
EIGHT_BIT_SPEED, EIGHT_BIT_GENERATIONS = 1.25, frozenset({"ada", "hopper", "blackwell"})
"""Of a whole training step in fp8 over bf16: torchao reports 25 % on Llama 3 8B (arXiv:2507.16099)."""
MOST_SEQUENCES = 200_000
"""A larger global batch counts tokens, whatever was meant."""
STATE_BYTES, MEMORY_SHARE = 18.0, 0.8
"""Bytes of a trained parameter in mixed precision, and the part of memory that states may fill."""
STORED = {"bf16": "BF16", "fp16": "F16", "tf32": "F32", "fp32": "F32"}
"""How weights are stored at a dtype."""
MEMORY_WIDTH = 4096 * 32
"""Width x blocks of Llama 7B, of which a device holds the activations of REFERENCE_TOKENS tokens; narrower networks
run more tokens at once, wider ones fewer."""

BASE_SIGMA = 0.1
"""Of the tokens' work, whatever the training."""
MIXTURE_SIGMA, UNFITTED_SIGMA, SMALL_SIGMA, FINE_TUNING_SIGMA = 0.2, 0.25, 0.2, 0.3
"""What is added for a mixture of experts, for a generation that no calibration run used, for less than a billion
parameters, and for fine-tuning, whose small steps are bound by the software. Judgement."""
FITTED_GENERATIONS = frozenset({"ampere", "hopper", "tpu"})
SMALL_PARAMETERS = 1e9
HOST_SIGMA = 0.1
"""Of host and facility, which nobody stated."""
EMBEDDING_SIGMA, EMBEDDING_PARAMETERS = 0.15, 3e8
"""Of FLOPs, where embeddings may be among the parameters: more so the smaller the model."""

Assumed = dict[str, str]


@dataclass(frozen=True)
class Sketch:
    """What is known. `tokens` are all that training sees, over all epochs (of LinearProbe and AsIs: that are read);
    `global_batch` counts sequences of one optimiser step. None: not said."""

    parameters: int
    tokens: float
    sequence_length: int
    accelerator: AcceleratorFigures
    count: int
    dtype: str
    method: Method
    intensity: Intensity
    active_parameters: int | None = None
    embedding_parameters: int | None = None
    layers: int | None = None
    hidden_size: int | None = None
    family: str | None = None
    global_batch: int | None = None
    rank: int | None = None
    checkpointing: bool = False
    pue: float | None = None
    prices: Prices = field(default_factory=Prices)


@dataclass(frozen=True)
class Answer:
    """The estimate, what it rests on, and what was assumed with the reason."""

    estimate: Estimate
    network: Network
    work: Workload
    hardware: Hardware
    assumed: Assumed

    @property
    def accelerator_hours(self) -> LogNormal:
        """Billed hours of all accelerators together."""
        return self.estimate.seconds.times(self.hardware.devices / 3600)

    @property
    def accelerator_energy(self) -> LogNormal:
        """Watt-hours of the accelerators alone, no host and no facility."""
        assert self.estimate.draw is not None
        return self.estimate.energy.times(self.estimate.draw.accelerator_watts / self.estimate.draw.facility_watts)

    @property
    def computer_energy(self) -> LogNormal:
        """Watt-hours of accelerators and hosts, no facility overhead."""
        assert self.estimate.draw is not None
        return self.estimate.energy.times(1 / self.estimate.draw.pue)

    @property
    def reached(self) -> float:
        """Share of the dense peak over the whole run."""
        return self.work.flops / (self.estimate.seconds.median * self.hardware.peak_flops)


def answered(sketch: Sketch) -> Answer:
    """The estimate of a sketch."""
    assumed: Assumed = {}
    network = _network(sketch, assumed)
    dtype = _dtype(sketch, assumed)
    network = replace(network, dtype=STORED[dtype])
    hardware = _laid_out(sketch, network, dtype, assumed)
    work = _work(sketch, network, hardware, assumed)
    pue = sketch.pue if sketch.pue is not None else PUE
    if sketch.pue is None:
        assumed["pue"] = f"{PUE}: middle of what clouds publish (1.07 to 1.46); the industry's average is 1.56"
    _say_hardware(sketch, assumed)
    world = World(Catalogue.of(()), (hardware.profile,), {"": sketch.intensity}, default_zone="", pue=Decimal(str(pue)))
    own = _own_sigma(sketch, network)
    held, speed = _held(network, work, hardware), tuning(work.flops)
    if speed < 1:
        assumed["tuning"] = f"{speed:.2f} of a large run's speed: small runs are seldom tuned like published ones"
    found = estimate_of_work(
        work, network, sketch.method, hardware, world, prices=sketch.prices, own_sigma=own, held=held, tuning=speed
    )
    flops = LogNormal(work.flops, _flops_sigma(sketch, network))
    spread = 0.0 if sketch.pue is not None else HOST_SIGMA
    return Answer(replace(found, flops=flops, energy=found.energy.times(1.0, spread)), network, work, hardware, assumed)


def _network(sketch: Sketch, assumed: Assumed) -> Network:
    network = inferred_network(
        sketch.parameters,
        sketch.active_parameters,
        family=sketch.family or "transformer",
        embedding_parameters=sketch.embedding_parameters or 0,
        layers=sketch.layers,
        hidden_size=sketch.hidden_size,
    )
    rule = "from the parameters: 12 x layers x width^2, 64 to 128 times as wide as deep"
    if sketch.layers is None:
        assumed["layers"] = f"{network.layers} {rule}"
    if sketch.hidden_size is None:
        assumed["hiddenSize"] = f"{network.hidden_size} {rule}"
    if sketch.embedding_parameters is None:
        assumed["embeddingParameters"] = "0: every parameter is taken to multiply every token, as 6 N D does"
    if sketch.family is None:
        assumed["family"] = "transformer without a gated inner layer"
    return network


def _eight_bit(sketch: Sketch) -> bool:
    return sketch.dtype == "fp8" and sketch.accelerator.generation in EIGHT_BIT_GENERATIONS


def _dtype(sketch: Sketch, assumed: Assumed) -> str:
    dtype = sketch.accelerator.dtype_for(sketch.dtype)
    if _eight_bit(sketch):
        assumed["dtype"] = f"{dtype}, a quarter faster: what fp8 brings in practice, not its peak"
        return dtype
    if dtype != sketch.dtype:
        lacks = f"the table has no dense {sketch.dtype} peak of {sketch.accelerator.product}"
        assumed["dtype"] = f"{dtype}: {lacks}"
    return dtype


def _devices(sketch: Sketch) -> int:
    """The count asked for, or as many as hold weights, gradients and optimiser divided among them: no run has fewer."""
    frozen = QUANTISED_BYTES if sketch.method is Method.QLORA else 2.0
    bytes_each = STATE_BYTES if sketch.method in {Method.FROM_SCRATCH, Method.FULL_FINE_TUNE} else frozen
    needed = sketch.parameters * bytes_each / (sketch.accelerator.memory_bytes * MEMORY_SHARE)
    return max(sketch.count, ceil(needed))


def _laid_out(sketch: Sketch, network: Network, dtype: str, assumed: Assumed) -> Hardware:
    """The devices with the first layout that holds the training, else the one that needs least."""
    hardware = _hardware(sketch, _devices(sketch), dtype)
    if hardware.devices != sketch.count:
        asked = f"{sketch.count} x {sketch.accelerator.product} cannot hold the training's weights and states"
        assumed["count"] = f"{hardware.devices}: {asked}"
    held = _held(network, _work(sketch, network, hardware, {}), hardware)
    may_recompute = sketch.method not in FROZEN
    recompute = True if sketch.checkpointing else None
    options = layouts(hardware.devices, may_shard=True, may_recompute=may_recompute, recompute=recompute)
    needs = {layout: memory(network, sketch.method, held, hardware, layout=layout).high for layout in options}
    fitting = (layout for layout, high in needs.items() if high <= hardware.memory_bytes)
    layout = next(fitting, None) or min(needs, key=lambda option: needs[option])
    if needs[layout] > hardware.memory_bytes:
        need, there = (size / 2**30 for size in (needs[layout], hardware.memory_bytes))
        assumed["memory"] = (
            f"smaller steps or tensor parallelism: {need:.0f} GiB by the high estimate, {there:.0f} there"
        )
    if layout.devices > 1:
        assumed["sharding"] = f"{layout.stage.label}: the least that fits"
    if layout.checkpointing and not sketch.checkpointing:
        assumed["checkpointing"] = "activations are recomputed to fit; published hours of large runs hold that time"
    return replace(hardware, layout=layout)


def _work(sketch: Sketch, network: Network, hardware: Hardware, assumed: Assumed) -> Workload:
    length, devices = sketch.sequence_length, hardware.devices
    sequences = sketch.tokens / length
    batch = min(_batch(sketch, devices, assumed), max(ceil(sequences), 1))
    forward = network.forward_flops(length)
    rank = sketch.rank or LORA_RANK
    if sketch.rank is None and sketch.method in {Method.LORA, Method.QLORA}:
        assumed["rank"] = f"{LORA_RANK} on all linear layers"
    trains = sketch.method not in FROZEN
    training = training_flops(network, sketch.method, length, rank=rank, checkpointing=sketch.checkpointing)
    at_once = _sequences_at_once(network, length, devices)
    return Workload(
        tokens=length,
        epochs=1.0,
        batch=batch,
        forward_flops=0.0 if trains else sequences * forward,
        training_flops=sequences * training,
        steps=sequences / min(batch, at_once) if trains else 0.0,
        forward_steps=0.0 if trains else sequences / (FORWARD_BATCH * devices),
        longest=length,
        rank=rank,
        checkpointing=sketch.checkpointing,
    )


def _batch(sketch: Sketch, devices: int, assumed: Assumed) -> int:
    """Sequences of one optimiser step."""
    length = sketch.sequence_length
    if sketch.global_batch is not None:
        return _stated_batch(sketch.global_batch, length, assumed)
    if sketch.method is Method.FROM_SCRATCH:
        tokens = step_tokens(sketch.active_parameters or sketch.parameters, devices)
        assumed["globalBatch"] = f"{ceil(tokens / length)} sequences: {tokens:.3g} tokens a step, by size and devices"
        return ceil(tokens / length)
    batch = max(DEFAULT_BATCH, devices)
    assumed["globalBatch"] = f"{batch} sequences, as the built-in trainer has it, at least one a device"
    return batch


def _stated_batch(stated: int, length: int, assumed: Assumed) -> int:
    if stated < MOST_SEQUENCES:
        return stated
    sequences = max(round(stated / length), 1)
    assumed["globalBatch"] = f"{sequences} sequences: {stated} are tokens, for no step holds as many sequences"
    return sequences


def _sequences_at_once(network: Network, length: int, devices: int) -> int:
    """Sequences that all devices together run between two launches; gradients are accumulated over the rest."""
    width = max((network.layers or 1) * (network.hidden_size or 1), 1)
    return max(round(REFERENCE_TOKENS * MEMORY_WIDTH / width / length), 1) * devices


def _held(network: Network, work: Workload, hardware: Hardware) -> Workload:
    """The work as memory sees it: a batch of what runs at once."""
    return replace(work, batch=min(work.batch, _sequences_at_once(network, work.tokens, hardware.devices)))


def _hardware(sketch: Sketch, devices: int, dtype: str) -> Hardware:
    """So many accelerators in whole nodes of at most eight, each with a share of a host."""
    figures = sketch.accelerator
    per_node = next(size for size in range(min(MOST_PER_NODE, devices), 0, -1) if devices % size == 0)
    profile = _profile(figures, per_node)
    cores = float(CORES_PER_ACCELERATOR * per_node)
    peak = figures.peak_flops[dtype] * devices * (EIGHT_BIT_SPEED if _eight_bit(sketch) else 1.0)
    pods = devices // per_node
    memory_bytes = int(figures.memory_bytes)
    return Hardware(profile, per_node, pods, cores, memory_bytes, dtype, peak, Resources(), Layout(devices))


def _profile(figures: AcceleratorFigures, per_node: int) -> ComputeProfile:
    cores = CORES_PER_ACCELERATOR * per_node
    host = figures.host_watts * per_node
    idle = host * (1 - BUSY_SHARE_OF_HOST)
    peak = idle + host * BUSY_SHARE_OF_HOST * CORES_PER_ACCELERATOR / BUSY_CORES
    low, mid, high = (str(rounded(point)) for point in figures.embodied_kilograms)
    spec: Mapping[str, object] = {
        "accelerator": {
            "product": figures.product,
            "perNode": per_node,
            "hardware": figures.id,
            "memory": str(int(figures.memory_bytes)),
            "idleWatts": str(rounded(figures.idle_watts)),
            "peakWatts": str(rounded(figures.peak_watts)),
            "peakTeraFlops": {name: str(rounded(peak / 1e12)) for name, peak in figures.peak_flops.items()},
            "embodiedKilograms": {"low": low, "mid": mid, "high": high},
        },
        "host": {
            "cores": cores,
            "memory": f"{256 * per_node}Gi",
            "idleWatts": str(rounded(idle)),
            "peakWatts": str(rounded(peak)),
            "embodiedKilograms": _host_embodied(figures, per_node),
        },
        "lifespanYears": str(rounded(figures.lifespan_years)),
    }
    return ComputeProfile.model_validate({"metadata": {"name": figures.id}, "spec": spec})


HOST_EMBODIED_KILOGRAMS_PER_WATT = 5700 / 8 / 700
"""A p5-class host without its eight H100 of 700 W: 5,700 kg; scaled by the accelerator's limit, which is an assumption
for smaller hosts."""


def _host_embodied(figures: AcceleratorFigures, per_node: int) -> dict[str, str]:
    middle = HOST_EMBODIED_KILOGRAMS_PER_WATT * figures.peak_watts * per_node
    return {"low": str(rounded(middle / 2)), "mid": str(rounded(middle)), "high": str(rounded(middle * 1.5))}


def _say_hardware(sketch: Sketch, assumed: Assumed) -> None:
    figures = sketch.accelerator
    assumed["hostWatts"] = f"{figures.host_watts:.0f} W for one accelerator, before the PUE"
    if "idle_watts" in figures.assumed:
        assumed["idleWatts"] = f"{figures.idle_watts:.0f} W: a tenth of the limit, none is published"
    low, mid, high = figures.embodied_kilograms
    if "embodied_kilograms" in figures.assumed:
        assumed["embodiedKilograms"] = f"{mid:.0f} ({low:.0f} to {high:.0f}): nothing is published for it"


def _own_sigma(sketch: Sketch, network: Network) -> float:
    parts = [
        BASE_SIGMA,
        MIXTURE_SIGMA if network.mixture else 0.0,
        0.0 if sketch.accelerator.generation in FITTED_GENERATIONS else UNFITTED_SIGMA,
        SMALL_SIGMA * SMALL_PARAMETERS / (SMALL_PARAMETERS + network.token_parameters),
        0.0 if sketch.method is Method.FROM_SCRATCH else FINE_TUNING_SIGMA,
    ]
    return sqrt(sum(part**2 for part in parts))


def _flops_sigma(sketch: Sketch, network: Network) -> float:
    if sketch.embedding_parameters is not None:
        return BASE_SIGMA / 2
    return BASE_SIGMA / 2 + EMBEDDING_SIGMA * EMBEDDING_PARAMETERS / (EMBEDDING_PARAMETERS + network.token_parameters)
