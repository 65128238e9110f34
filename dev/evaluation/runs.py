"""The published training runs that estimates are fitted to and judged by, as the package ships them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files

from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.vocabulary import Method
from coppice.planning.accelerators import AcceleratorFigures, accelerators
from coppice.planning.estimate import shape_of
from coppice.planning.sketch import Answer, Sketch, answered
from coppice.planning.utilisation import LAYER_SECONDS_TRAINING, Device, Shape

UNKNOWN_DEVICES = 1024
"""Devices of a large run that does not print how many it had."""
SMALL_STEP_TOKENS = {"BERT": 32 * 128.0, "ViT": 128 * 197.0, "Strubell": 512.0}
"""Tokens of one step on one device of small runs: usual batches of 32 sentences and 128 images, where a run prints
none; BERT as Strubell+ 2019 counts it, 256 sentences of 128 tokens on 64 devices."""
UNKNOWN_TOKENS = 1e12
"""Of a run that is only asked for its power, which depends on their number as little as on the hours."""
INTENSITY = StaticIntensity().current("", datetime(2026, 1, 1, tzinfo=UTC))
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Run:
    """One published run. `hours` are accelerator hours, `watts` the mean of one accelerator (or its system)."""

    id: str
    family: str
    architecture: str
    parameters: float
    active_parameters: float
    tokens: float | None
    sequence_length: int
    accelerator: AcceleratorFigures
    devices: int
    hours: float | None
    watts: float | None
    with_system: bool
    hours_use: str
    power_use: str

    @cached_property
    def answer(self) -> Answer:
        """What the command line answers when asked with what the run prints; hours and watts are not among it."""
        each = SMALL_STEP_TOKENS.get(self.family)
        return answered(
            Sketch(
                parameters=int(self.parameters),
                active_parameters=int(self.active_parameters) if self.active_parameters < self.parameters else None,
                tokens=self.tokens or UNKNOWN_TOKENS,
                sequence_length=self.sequence_length,
                accelerator=self.accelerator,
                count=self.devices,
                dtype="bf16",
                method=Method.FROM_SCRATCH,
                intensity=INTENSITY,
                global_batch=round(each * self.devices / self.sequence_length) if each else None,
            )
        )

    @cached_property
    def flops(self) -> float:
        """Of the whole run: 6 N D and attention."""
        return self.answer.work.flops

    @cached_property
    def shape(self) -> Shape:
        """As the utilisation model sees it."""
        return shape_of(self.answer.network, self.answer.work)

    @property
    def device(self) -> Device:
        """One of its accelerators, in 16 bit."""
        return self.answer.hardware.device

    @cached_property
    def launch_seconds(self) -> float:
        """Of all its steps, on every device alike."""
        return self.answer.work.steps * (self.shape.layers or 0) * LAYER_SECONDS_TRAINING

    @property
    def reached(self) -> float:
        """Share of the dense peak over all billed hours."""
        assert self.hours is not None
        return self.flops / (self.hours * SECONDS_PER_HOUR * self.device.peak_flops)


def runs() -> list[Run]:
    """Every row of the shipped table."""
    text = (files("coppice") / "data" / "calibration-runs.csv").read_text(encoding="utf-8")
    return [_run(row) for row in csv.DictReader(text.splitlines())]


def families(some: Iterable[Run]) -> list[str]:
    """Names of the families, in order."""
    return sorted({run.family for run in some})


def _run(row: dict[str, str]) -> Run:
    figures = accelerators()[row["accelerator"]]
    return Run(
        id=row["id"],
        family=row["family"],
        architecture=row["architecture"],
        parameters=float(row["parameters"]),
        active_parameters=float(row["active_parameters"]),
        tokens=float(row["tokens"]) if row["tokens"] else None,
        sequence_length=int(row["sequence_length"]),
        accelerator=figures,
        devices=int(row["devices"] or UNKNOWN_DEVICES),
        hours=float(row["accelerator_hours"]) if row["accelerator_hours"] else None,
        watts=float(row["watts_per_accelerator"]) if row["watts_per_accelerator"] else None,
        with_system=row["watts_scope"] == "system",
        hours_use=row["hours_use"],
        power_use=row["power_use"],
    )
