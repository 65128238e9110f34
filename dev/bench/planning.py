"""`python -m bench planning`: what a decision costs over registries of growing size; nothing but this process.

For each size it prints how long the registry takes to index, what one more model costs, the CPU time of decisions for
jobs that all differ and of one that is decided again, and memory: what the process holds more than before, models
included. CPU time and not wall time: other processes on the machine change it less. What change is left only adds, so
all jobs are decided in several rounds and the least time of each counts; beside it stands what the first round alone
measured, the very first decisions included. Garbage is looked for as seldom as in the operator.
"""

import gc
import platform
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
ROUNDS = 8


@dataclass(frozen=True)
class Measured:
    """One registry: CPU milliseconds, mebibytes."""

    size: int
    index: float
    add_one: float
    again: float
    rounds: Sequence[Sequence[float]]
    memory: float

    @property
    def least(self) -> Sequence[float]:
        """Of each job's decisions the quickest."""
        return [min(times) for times in zip(*self.rounds, strict=True)]

    @property
    def first(self) -> Sequence[float]:
        """The decisions of the first round."""
        return self.rounds[0]


def percentile(times: Sequence[float], number: int) -> float:
    """The time that so many of a hundred decisions do not exceed."""
    return quantiles(times, n=100)[number - 1]


def measure(size: int, count: int) -> Measured:
    """Index a registry of that size and decide so many jobs in it."""
    before = _resident()
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
    rounds = [[_milliseconds(job, world) for job in list(jobs(count))] for _ in range(ROUNDS)]
    (same,) = jobs(1)
    again = [_milliseconds(same, world) for _ in range(ADDED)]
    gc.unfreeze()
    return Measured(size, 1000 * index, 1000 * add_one, median(again), rounds, memory)


def _milliseconds(job: TrainingJob, world: World) -> float:
    started = process_time()
    decide(job, RULES, world, spent=SpentRecord(), tried=(), now=MOMENT)
    return 1000 * (process_time() - started)


def _resident() -> float:
    """Mebibytes that this process holds."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def show(sizes: Sequence[int], count: int, console: Console) -> None:
    """Measure each size and print the figures, and how they grow with the first one."""
    names = ("models", "index", "add one", "p50", "p99", "first round", "same again", "memory", "p50 grows")
    title = f"Planning, {count} different jobs, CPU ms, least of {ROUNDS} rounds, Python {platform.python_version()}"
    table = Table(*names, title=title, title_justify="left")
    smallest: Measured | None = None
    for size in sizes:
        found = measure(size, count)
        smallest = smallest or found
        middle, before = percentile(found.least, 50), percentile(smallest.least, 50)
        table.add_row(
            f"{size:,}",
            f"{found.index:.0f}",
            f"{found.add_one:.1f}",
            f"{middle:.1f}",
            f"{percentile(found.least, 99):.1f}",
            " / ".join(f"{percentile(found.first, number):.1f}" for number in (50, 99)),
            f"{found.again:.1f}",
            f"{found.memory:.0f} MiB",
            f"{middle / before:.1f} at {size / smallest.size:.0f} x",
        )
    console.print(table)
