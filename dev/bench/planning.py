"""`python -m bench planning`: what a decision costs over registries of growing size; nothing but this process.

For each size it prints how long the registry takes to index, what one more model costs, the CPU time of decisions for
jobs that all differ (the first one included) and of one that is decided again, and memory: what the process holds more
than before, models included. CPU time and not wall time: other processes on the machine change it less. Garbage is
looked for as seldom as in the operator.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import process_time

from rich.console import Console
from rich.table import Table

from bench.registry import jobs, model, models, profiles
from coppice.adapters.intensity.static import StaticIntensity
from coppice.api.decision import SpentRecord
from coppice.api.trainingjob import TrainingJob
from coppice.app.garbage import look_seldom
from coppice.planning.catalogue import Catalogue
from coppice.planning.decision import decide
from coppice.planning.resolved import Resolved
from coppice.planning.world import World

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Resolved(hosts=("huggingface.co",))
ADDED = 20


@dataclass(frozen=True)
class Measured:
    """One registry: CPU milliseconds, mebibytes."""

    size: int
    index: float
    add_one: float
    again: float
    decisions: Sequence[float]
    memory: float

    @property
    def median(self) -> float:
        """Of the decisions."""
        return quantiles(self.decisions, n=100)[49]

    @property
    def p99(self) -> float:
        """Of the decisions."""
        return quantiles(self.decisions, n=100)[98]


def measure(size: int, count: int) -> Measured:
    """Index a registry of that size and decide so many jobs in it."""
    wanted, before = list(jobs(count)), _resident()
    entries = list(models(size))
    started = process_time()
    catalogue = Catalogue.of(entries)
    index = process_time() - started
    memory = _resident() - before
    del entries
    look_seldom()
    started, random = process_time(), Random(1)  # noqa: S311
    for number in range(ADDED):
        catalogue = catalogue.with_model(model(random, f"new-{number}", "text-classification"))
    add_one = (process_time() - started) / ADDED
    intensity = StaticIntensity({})
    world = World(catalogue, profiles(), lambda zone: intensity.current(zone, MOMENT), "DE", Decimal("1.2"))
    times = [_seconds(job, world) for job in wanted]
    again = [_seconds(wanted[-1], world) for _ in range(ADDED)]
    gc.unfreeze()
    return Measured(size, 1000 * index, 1000 * add_one, 1000 * median(again), [1000 * one for one in times], memory)


def _seconds(job: TrainingJob, world: World) -> float:
    started = process_time()
    decide(job, RULES, world, spent=SpentRecord(), tried=(), now=MOMENT)
    return process_time() - started


def _resident() -> float:
    """Mebibytes that this process holds."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def show(sizes: Sequence[int], count: int, console: Console) -> None:
    """Measure each size and print the figures, and how they grow with the first one."""
    names = (
        "models",
        "index",
        "add one",
        "decision p50",
        "p99",
        "same job again",
        "memory",
        "p50 against the first size",
    )
    table = Table(*names, title=f"Planning, {count} different jobs, CPU ms of one run", title_justify="left")
    first: Measured | None = None
    for size in sizes:
        found = measure(size, count)
        first = first or found
        figures = (found.index, found.add_one, found.median, found.p99, found.again)
        ratio = f"{found.median / first.median:.1f} at {size / first.size:.0f} times the models"
        table.add_row(f"{size:,}", *(f"{figure:.1f}" for figure in figures), f"{found.memory:.0f} MiB", ratio)
    console.print(table)
