"""`coppice estimate`: what a training told in a few numbers would take, with everything it assumed.

It needs no job, no catalogue and no cluster: the table of accelerators and of grids ships with the product.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
import yaml

from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.vocabulary import Method
from coppice.cli.errors import UsageError
from coppice.cli.estimatetable import estimate_table
from coppice.cli.screen import said, screen
from coppice.planning.accelerators import FALLBACKS, AcceleratorFigures, accelerators
from coppice.planning.lognormal import LogNormal
from coppice.planning.money import Prices
from coppice.planning.sketch import Answer, Sketch, answered

SUFFIXES = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
MOST = 1e30
SEQUENCE_LENGTH, DTYPE = 2048, "bf16"
SCOPE = (
    "energyWattHours is facility energy: accelerators, their share of the hosts and the facility's overhead (PUE). "
    "computerEnergyWattHours leaves the overhead out, acceleratorEnergyWattHours the hosts too. Published figures are "
    "often of the accelerators alone."
)


class Form(StrEnum):
    """How the estimate is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def number(text: str | float) -> float:
    """A number as people write it: 7e9, 7B, 1.5T, 300M, 32k, 7_000_000. Raises typer.BadParameter for anything else.

    A default comes as the number that it is.
    """
    if not isinstance(text, str):
        return text
    body = text.strip().replace("_", "").replace(",", "")
    factor = SUFFIXES.get(body[-1:].lower(), 1.0)
    try:
        value = float(body[:-1] if factor > 1 else body) * factor
    except ValueError:
        value = float("nan")
    if not 0 < value < MOST:
        raise typer.BadParameter(f"{text!r} is no number above 0; write 7e9, 7B or 7_000_000_000")
    return value


def share(text: str | float) -> float:
    """A PUE. Raises typer.BadParameter below 1."""
    value = number(text)
    if value < 1:
        raise typer.BadParameter("it is the facility's energy over its computers' energy, so at least 1")
    return value


def method(text: str) -> Method:
    """A method, in any case. Raises typer.BadParameter naming them all."""
    found = {str(each).lower(): each for each in Method}.get(text.replace("-", "").lower())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no method; known: {', '.join(Method)}")
    return found


def dtype(text: str) -> str:
    """A dtype. Raises typer.BadParameter naming them all."""
    found = text.lower().replace("bfloat", "bf").replace("float", "fp")
    if found not in FALLBACKS:
        raise typer.BadParameter(f"{text!r} is no dtype; known: {', '.join(FALLBACKS)}")
    return found


def estimate(
    parameters: Annotated[float, typer.Option(parser=number, metavar="N", help="Parameters of the model, such as 7B.")],
    tokens: Annotated[
        float,
        typer.Option(
            parser=number,
            metavar="N",
            help="Tokens that training sees over all epochs, such as 1.4T; of LinearProbe and AsIs: tokens read once.",
        ),
    ],
    accelerator: Annotated[str, typer.Option(metavar="ID", help="Identifier in the table, such as a100-sxm4-80.")],
    sequence_length: Annotated[
        float | None, typer.Option(parser=number, metavar="N", help="Tokens of one training example. Unset: 2048.")
    ] = None,
    count: Annotated[float | None, typer.Option(parser=number, metavar="N", help="Accelerators. Unset: 1.")] = None,
    precision: Annotated[
        str | None,
        typer.Option("--dtype", parser=dtype, metavar="DTYPE", help="bf16, fp16, tf32, fp32 or fp8. Unset: bf16."),
    ] = None,
    how: Annotated[
        Method | None,
        typer.Option(
            "--method", parser=method, metavar="METHOD", help=f"One of {', '.join(Method)}. Unset: FromScratch."
        ),
    ] = None,
    active_parameters: Annotated[
        float | None,
        typer.Option(parser=number, metavar="N", help="Parameters one token passes through, of a mixture of experts."),
    ] = None,
    embedding_parameters: Annotated[
        float | None,
        typer.Option(parser=number, metavar="N", help="Input embeddings among them, which multiply nothing."),
    ] = None,
    family: Annotated[str | None, typer.Option(help="Architecture family, such as llama, bert or gpt2.")] = None,
    layers: Annotated[float | None, typer.Option(parser=number, metavar="N", help="Blocks.")] = None,
    hidden_size: Annotated[float | None, typer.Option(parser=number, metavar="N", help="Width.")] = None,
    global_batch: Annotated[
        float | None,
        typer.Option(parser=number, metavar="N", help="Sequences in one optimiser step, on all accelerators."),
    ] = None,
    rank: Annotated[float | None, typer.Option(parser=number, metavar="N", help="Rank of LoRA adapters.")] = None,
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="Count the work of recomputing activations in the backward pass.")
    ] = False,
    pue: Annotated[float | None, typer.Option(parser=share, metavar="X", help="Power usage effectiveness.")] = None,
    zone: Annotated[str, typer.Option(help="Zone of the carbon intensity, such as FR. Unset: the world.")] = "",
    price_per_hour: Annotated[
        float | None, typer.Option(parser=number, metavar="X", help="Price of one accelerator for an hour.")
    ] = None,
    energy_price: Annotated[
        float | None, typer.Option(parser=number, metavar="X", help="Price of a kilowatt-hour of facility energy.")
    ] = None,
    output: Annotated[Form, typer.Option("--output", "-o", help="table for people; json or yaml with every input.")] = (
        Form.TABLE
    ),
) -> None:
    """Estimate time, energy, carbon, memory and money of a training from a few numbers. Asks no cluster.

    Every figure is an interval (10th, 50th and 90th percentile), and what was not said is assumed and listed.
    Numbers may be written 7e9, 7B or 7_000_000_000.
    """
    sketch = Sketch(
        parameters=_whole(parameters),
        tokens=tokens,
        sequence_length=_whole(sequence_length or SEQUENCE_LENGTH),
        accelerator=_accelerator(accelerator),
        count=_whole(count or 1),
        dtype=precision or DTYPE,
        method=how or Method.FROM_SCRATCH,
        intensity=StaticIntensity().current(zone, datetime.now(UTC)),
        active_parameters=_active(active_parameters, parameters),
        embedding_parameters=_embedded(embedding_parameters, parameters),
        layers=_optional(layers),
        hidden_size=_optional(hidden_size),
        family=family,
        global_batch=_optional(global_batch),
        rank=_optional(rank),
        checkpointing=checkpointing,
        pue=pue,
        prices=Prices(price_per_hour, energy_price),
    )
    defaults = {
        "sequenceLength": sequence_length is None and f"{SEQUENCE_LENGTH} tokens",
        "count": count is None and "1",
        "dtype": precision is None and DTYPE,
        "method": how is None and str(Method.FROM_SCRATCH),
        "zone": not zone and f"{sketch.intensity.grams_per_kilowatt_hour} g/kWh: {sketch.intensity.source}",
    }
    answer = answered(sketch)
    answer = replace(answer, assumed={name: why for name, why in defaults.items() if why} | answer.assumed)
    warnings = (*_elsewhere(zone, sketch), *(() if count is None else _too_few(sketch, answer)))
    for warning in warnings:
        screen(errors=True).print(said("warning", warning), soft_wrap=True)
    if output is Form.TABLE:
        screen().print(estimate_table(sketch, answer))
    elif output is Form.JSON:
        print(json.dumps(record(sketch, answer, warnings), indent=2, ensure_ascii=False))
    else:
        print(yaml.safe_dump(record(sketch, answer, warnings), sort_keys=False, allow_unicode=True), end="")


def _elsewhere(zone: str, sketch: Sketch) -> tuple[str, ...]:
    """What must be said where the carbon is not that of the zone that was asked about."""
    if not zone or StaticIntensity().knows(zone):
        return ()
    return (
        f"--zone {zone} is not in the table: {sketch.intensity.grams_per_kilowatt_hour} g/kWh is the world's average",
    )


def _too_few(sketch: Sketch, answer: Answer) -> tuple[str, ...]:
    """What must be said where the answer is not about the accelerators that were asked about."""
    devices = answer.hardware.devices
    if devices == sketch.count:
        return ()
    asked = f"{sketch.count} x {sketch.accelerator.product} (--count {sketch.count})"
    return (
        f"{asked} cannot hold the weights and states of this training; {devices} is the smallest count that can, and "
        f"what is estimated here. Ask with --count {devices} or more, for a larger accelerator or for a leaner method",
    )


def record(sketch: Sketch, answer: Answer, warnings: Sequence[str] = ()) -> dict[str, object]:
    """The answer for machines: intervals of JSON numbers, then every input, what was assumed and what was not met."""
    return {
        **{name: _interval(value) for name, value in _quantities(answer).items()},
        "energyScope": SCOPE,
        "utilisation": _short(answer.reached),
        "inputs": _inputs(sketch, answer),
        "assumed": answer.assumed,
        "warnings": list(warnings),
    }


def _quantities(answer: Answer) -> dict[str, LogNormal]:
    found = answer.estimate
    quantities = {
        "acceleratorHours": answer.accelerator_hours,
        "energyWattHours": found.energy,
        "computerEnergyWattHours": answer.computer_energy,
        "acceleratorEnergyWattHours": answer.accelerator_energy,
        "flops": found.flops,
        "memoryBytes": found.memory_bytes,
        "runSeconds": found.seconds,
        "operationalGrams": found.operational,
        "embodiedGrams": found.embodied,
        "carbonGrams": found.carbon,
    }
    return quantities | ({"cost": found.cost} if found.cost else {})


def _inputs(sketch: Sketch, answer: Answer) -> dict[str, object]:
    """Everything the estimate was made from, said or assumed."""
    draw, hardware, intensity = answer.estimate.draw, answer.hardware, sketch.intensity
    assert draw is not None
    return {
        "method": str(sketch.method),
        "parameters": sketch.parameters,
        "activeParameters": sketch.active_parameters or sketch.parameters,
        "embeddingParameters": answer.network.embedding_parameters,
        "family": answer.network.family,
        "layers": answer.network.layers,
        "hiddenSize": answer.network.hidden_size,
        "tokens": sketch.tokens,
        "sequenceLength": sketch.sequence_length,
        "globalBatch": answer.work.batch,
        "accelerator": sketch.accelerator.id,
        "product": sketch.accelerator.product,
        "count": hardware.devices,
        "dtype": hardware.dtype,
        "peakTeraFlopsEach": _short(hardware.device.peak_flops / 1e12),
        "memoryBytesEach": hardware.memory_bytes,
        "idleWattsEach": _short(sketch.accelerator.idle_watts),
        "limitWattsEach": _short(sketch.accelerator.peak_watts),
        "wattsEach": _short(draw.accelerator_watts / hardware.devices),
        "hostWattsEach": _short((draw.computer_watts - draw.accelerator_watts) / hardware.devices),
        "pue": draw.pue,
        "layout": {name: str(value) for name, value in hardware.layout.inputs().items()},
        "gramsPerKilowattHour": float(intensity.grams_per_kilowatt_hour),
        "intensitySource": intensity.source,
        "timeSigma": _short(answer.estimate.seconds.sigma),
        "energySigma": _short(answer.estimate.energy.sigma),
        "acceleratorSource": sketch.accelerator.source,
    }


def _interval(value: LogNormal) -> dict[str, float]:
    return {"low": _short(value.low), "mid": _short(value.median), "high": _short(value.high)}


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _accelerator(name: str) -> AcceleratorFigures:
    known = accelerators()
    if name not in known:
        raise UsageError(f"accelerator {name!r} is not in the table; known: {', '.join(known)}")
    return known[name]


def _active(active: float | None, parameters: float) -> int | None:
    if active is not None and active > parameters:
        raise UsageError("--active-parameters are those of --parameters that one token passes through, so not more")
    return _optional(active) if active != parameters else None


def _embedded(embedded: float | None, parameters: float) -> int | None:
    if embedded is not None and embedded >= parameters:
        raise UsageError("--embedding-parameters are among --parameters, so they are fewer")
    return _optional(embedded)


def _optional(value: float | None) -> int | None:
    return None if value is None else _whole(value)


def _whole(value: float) -> int:
    return max(round(value), 1)
