"""The table of accelerators that ships with Coppice: what each one can do, and what it draws.

A ComputeProfile states its own figures; the table adds what a profile cannot know, such as the generation whose
measured behaviour estimates use, and it is what `coppice estimate` knows a machine by. A cell without a published
value is empty in the file and gets a documented rule here, and `assumed` names it, so that nobody takes it for data.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

IDLE_SHARE = 0.10
"""Idle power over the board's limit where none is published: 71.8 of 700 W on H100 (arXiv:2605.23918)."""
HOST_WATTS, HOST_WATTS_PER_WATT = 50.0, 0.14
"""The host's power for one accelerator: 1.2 kW over eight H100 of 700 W are 150 W each; what is left for smaller
accelerators, whose hosts are smaller, is an assumption."""
EMBODIED_KILOGRAMS = (75.0, 150.0, 300.0)
"""Embodied carbon where nothing is published: a flat 150 kg (Cloud Carbon Footprint; Luccioni+ 2022, arXiv:2211.02001),
halved and doubled as bounds by assumption."""
GIGA, TERA = 1e9, 1e12


@dataclass(frozen=True)
class AcceleratorFigures:
    """One accelerator. Watts, FLOP/s by dtype (dense), bytes, bytes a second, kgCO2e (low, mid, high), years."""

    id: str
    product: str
    generation: str
    idle_watts: float
    peak_watts: float
    host_watts: float
    peak_flops: Mapping[str, float]
    memory_bytes: float
    bytes_per_second: float
    embodied_kilograms: tuple[float, float, float]
    lifespan_years: float
    assumed: tuple[str, ...]
    source: str

    def dtype_for(self, wanted: str) -> str:
        """The dtype that the accelerator computes in when asked for one that it lacks: the next best of its own.

        bf16 and fp16 stand in for each other, fp8 falls back to bf16, tf32 to fp32. Raises KeyError without any.
        """
        for name in FALLBACKS[wanted]:
            if name in self.peak_flops:
                return name
        raise KeyError(wanted)


FALLBACKS = {
    "fp8": ("bf16", "fp16"),
    "bf16": ("bf16", "fp16", "tf32", "fp32"),
    "fp16": ("fp16", "bf16", "tf32", "fp32"),
    "tf32": ("tf32", "fp32", "bf16"),
    "fp32": ("fp32", "tf32", "bf16"),
}
"""Which dtype is computed in where the wanted one is missing, first one first."""


@cache
def accelerators() -> Mapping[str, AcceleratorFigures]:
    """Every accelerator of the table by its id, in the table's order."""
    text = (files("coppice") / "data" / "hardware.csv").read_text(encoding="utf-8")
    return {row["id"]: _figures(row) for row in csv.DictReader(text.splitlines())}


def _figures(row: Mapping[str, str]) -> AcceleratorFigures:
    peak = float(row["peak_watts"])
    defaults = {"idle_watts": IDLE_SHARE * peak, "host_watts": HOST_WATTS + HOST_WATTS_PER_WATT * peak}
    known = {name: float(row[name] or default) for name, default in defaults.items()}
    embodied = tuple(
        float(row[name] or default)
        for name, default in zip(
            ("embodied_low_kilograms", "embodied_kilograms", "embodied_high_kilograms"), EMBODIED_KILOGRAMS, strict=True
        )
    )
    return AcceleratorFigures(
        id=row["id"],
        product=f"{row['vendor']} {row['model']}",
        generation=row["generation"],
        idle_watts=known["idle_watts"],
        peak_watts=peak,
        host_watts=known["host_watts"],
        peak_flops=_peaks(row),
        memory_bytes=float(row["memory_gigabytes"]) * GIGA,
        bytes_per_second=float(row["memory_gigabytes_per_second"]) * GIGA,
        embodied_kilograms=(embodied[0], embodied[1], embodied[2]),
        lifespan_years=float(row["lifespan_years"]),
        assumed=tuple(name for name in (*defaults, "embodied_kilograms") if not row[name]),
        source=row["source"],
    )


def _peaks(row: Mapping[str, str]) -> dict[str, float]:
    names = ("bf16", "fp16", "tf32", "fp32")
    return {name: float(row[f"{name}_teraflops"]) * TERA for name in names if row[f"{name}_teraflops"]}
