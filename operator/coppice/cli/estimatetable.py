"""An estimate as people read it."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coppice.cli.figures import figure, percent, short
from coppice.planning.lognormal import LogNormal
from coppice.planning.sketch import Answer, Sketch


def estimate_table(sketch: Sketch, answer: Answer) -> RenderableType:
    """The quantities with their intervals, and what was assumed."""
    hardware = answer.hardware
    title = f"{sketch.method} of {short(sketch.parameters, ' ')} parameters on {short(sketch.tokens, ' ')} tokens: "
    title += f"{hardware.devices} x {sketch.accelerator.product} in {hardware.dtype}"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("low", "middle", "high"):
        table.add_column(name, justify="right")
    for name, (value, unit) in _rows(answer).items():
        table.add_row(name, *(short(point, " ") if unit is None else figure(point, unit) for point in _points(value)))
    assumed = Table(title="Assumed, because it was not said", title_justify="left", show_header=False, show_edge=False)
    assumed.add_column(no_wrap=True)
    assumed.add_column(overflow="fold")
    for name, why in answer.assumed.items():
        assumed.add_row(name, why)
    reached = Text(
        f"It reaches {percent(answer.reached)} of the dense peak. Low and high are the 10th and 90th percentile."
    )
    return Group(table, reached, Text(""), assumed)


def _rows(answer: Answer) -> Mapping[str, tuple[LogNormal, str | None]]:
    found = answer.estimate
    rows: dict[str, tuple[LogNormal, str | None]] = {
        "accelerator hours": (answer.accelerator_hours, None),
        "run time": (found.seconds, "s"),
        "energy, facility": (found.energy, "Wh"),
        "energy, accelerators alone": (answer.accelerator_energy, "Wh"),
        "carbon, operational": (found.operational, "g"),
        "carbon, embodied": (found.embodied, "g"),
        "FLOPs": (found.flops, "FLOP"),
        "memory of one accelerator": (found.memory_bytes, "B"),
    }
    return rows | ({"cost": (found.cost, None)} if found.cost else {})


def _points(value: LogNormal) -> tuple[float, float, float]:
    return value.low, value.median, value.high
