"""The demo's jobs in docs/accounting.md: their accounts made by hand, beside what the recorded transcripts print.

Every step is computed here from the profile, the jobs' manifests and what their pods reserved and used, by the formulas
of the page and none of the product's code. A recorded figure is a text that must stand in docs/transcripts. So the page
is right, or a test fails; after the demo was recorded anew, `PODS` is what to bring up to date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- generated from docs/transcripts by `make generate` -->", "<!-- end of the demo's jobs -->"
LIFETIME = Decimal(4 * 8760 * 3600)
"""Seconds of the profile's lifespan."""
WORLD_AVERAGE = Decimal(481)
"""g/kWh, as the transcripts print it."""
JOB, CONTROL = "newswire-topics", "newswire-topics-control"
PODS = {
    JOB: (103, "161.4"),
    CONTROL: (447, "647.8"),
    "digits-low": (24, "21.03"),
    "digits-high": (33, "29.87"),
    "newswire-small-topics": (50, "63.62"),
}
"""Seconds that the one pod of each job was reserved, and CPU seconds that it counted; in the order in which jobs are
shown. Where a transcript prints no seconds (CPU seconds never), they are those that give its joules to the millijoule
and the ledger's grams to the microgram: no other whole seconds and hundredths of CPU seconds do."""


@dataclass(frozen=True)
class Step:
    """One step: what is computed, how, what comes out in which unit, and the figure as a transcript prints it."""

    what: str
    how: str
    result: Decimal
    unit: str
    recorded: str = ""

    @property
    def shown(self) -> str:
        """The result as the page prints it: joules to the thousandth, grams to the millionth."""
        places = {"J": 3, "g": 6}.get(self.unit)
        value = self.result if places is None else round(self.result, places)
        return f"{text(value)} {self.unit}".strip()

    @property
    def row(self) -> str:
        """As a row of a table."""
        return f"| {self.what} | {self.how} | {self.shown} | {self.recorded} |"


@dataclass(frozen=True)
class Paper:
    """One job's account, all digits kept."""

    name: str
    seconds: int
    cpu_seconds: Decimal

    @property
    def share(self) -> Decimal:
        """Of the host: the larger of cores and memory."""
        return max(cores() / host()["cores"], memory() / Decimal(host()["memory"].removesuffix("Gi")))

    @property
    def idle(self) -> Decimal:
        """Joules of the host at rest."""
        return watts("idleWatts") * self.share * self.seconds

    @property
    def cpu(self) -> Decimal:
        """Joules of the processor at work."""
        return self.cpu_seconds * (watts("peakWatts") - watts("idleWatts")) / host()["cores"]

    @property
    def energy(self) -> Decimal:
        """Facility energy in joules, all digits."""
        return (self.idle + self.cpu) * pue()

    @property
    def joules(self) -> Decimal:
        """The same as an account says it: the sum of its four parts, each to the millijoule."""
        parts = (self.idle, self.cpu, (pue() - 1) * self.cpu, (pue() - 1) * self.idle)
        return sum((round(part, 3) for part in parts), Decimal(0))

    @property
    def operational(self) -> Decimal:
        """Grams."""
        return self.energy / 3_600_000 * WORLD_AVERAGE

    def embodied(self, point: str = "mid") -> Decimal:
        """Grams."""
        return kilograms(point) * 1000 * self.share * self.seconds / LIFETIME

    @property
    def carbon(self) -> Decimal:
        """Grams, as the account rounds its two parts."""
        return round(self.operational, 6) + round(self.embodied(), 6)


@cache
def paper(name: str) -> Paper:
    """The account of one of the demo's jobs."""
    seconds, cpu_seconds = PODS[name]
    return Paper(name, seconds, Decimal(cpu_seconds))


@cache
def profile() -> dict[str, Any]:
    """The profile of the nodes that the demo ran on, as the chart ships it."""
    path = ROOT / "charts" / "coppice" / "profiles" / "cpu-generic.yaml"
    spec: dict[str, Any] = yaml.safe_load(path.read_text())["spec"]
    return spec


def host() -> dict[str, Any]:
    """Its host."""
    found: dict[str, Any] = profile()["host"]
    return found


def watts(name: str) -> Decimal:
    """Watts of the host."""
    return Decimal(host()[name])


def kilograms(point: str) -> Decimal:
    """Embodied carbon of the host."""
    return Decimal(host()["embodiedKilograms"][point])


@cache
def pue() -> Decimal:
    """The chart's default, which the demo leaves as it is."""
    values = yaml.safe_load((ROOT / "charts" / "coppice" / "values.yaml").read_text())
    return Decimal(values["accounting"]["pue"])


@cache
def _resources() -> dict[str, str]:
    """What every job of the demo asks for."""
    manifest = yaml.safe_load((ROOT / "examples" / "demo" / "31-newswire-topics.yaml").read_text())
    found: dict[str, str] = manifest["spec"]["resources"]
    return found


def cores() -> Decimal:
    """Cores that a pod reserved."""
    return Decimal(_resources()["cpu"].removesuffix("m")) / 1000


def memory() -> Decimal:
    """GiB that a pod reserved."""
    return Decimal(_resources()["memory"].removesuffix("Gi"))


def account(one: Paper, recorded: dict[str, str]) -> Iterator[Step]:
    """The account of one job, step by step."""
    over = pue() - 1
    low, mid, high = (one.embodied(point) for point in ("low", "mid", "high"))
    said = recorded.get
    gib = host()["memory"].removesuffix("Gi")
    yield Step("host share", f"max({cores()} / {host()['cores']}, {memory()} / {gib})", one.share, "")
    how = f"{watts('idleWatts')} W x {one.share} x {one.seconds} s"
    yield Step("host_idle, Estimated", how, one.idle, "J", said("idle", ""))
    how = f"{one.cpu_seconds} s x ({watts('peakWatts')} - {watts('idleWatts')}) W / {host()['cores']}"
    yield Step("cpu, Modelled", how, one.cpu, "J", said("cpu", ""))
    how = f"{over} x {text(one.cpu)} J"
    yield Step("facility_overhead, Modelled", how, over * one.cpu, "J", said("modelled", ""))
    how = f"{over} x {text(one.idle)} J"
    yield Step("facility_overhead, Estimated", how, over * one.idle, "J", said("estimated", ""))
    yield Step("energy", "the sum of the four", one.joules, "J", said("energy", ""))
    how = f"{text(one.energy)} J / 3,600,000 x {WORLD_AVERAGE} g"
    yield Step("operational", how, one.operational, "g", said("operational", ""))
    how = f"{text(kilograms('mid') * 1000)} g x {one.share} x {one.seconds} s / (4 x 8,760 x 3,600 s)"
    yield Step("embodied", how, mid, "g", said("embodied", ""))
    yield Step("embodied, low", f"with {text(kilograms('low') * 1000)} g", low, "g")
    yield Step("embodied, high", f"with {text(kilograms('high') * 1000)} g", high, "g")
    how = f"{text(round(one.operational, 6))} + {text(round(mid, 6))}"
    yield Step("carbon", how, one.carbon, "g", said("carbon", ""))


def savings() -> Iterator[Step]:
    """What the job avoided against its control; both share the range of embodied carbon."""
    job, control = paper(JOB), paper(CONTROL)
    burnt = control.operational - job.operational
    for point, recorded in (("low", "0.60841"), ("mid", "0.638833"), ("high", "0.656218")):
        ends = [text(round(value, 6)) for value in (control.embodied(point), job.embodied(point))]
        how = f"{text(round(burnt, 6))} g less burnt + {ends[0]} - {ends[1]}"
        avoided = burnt + control.embodied(point) - job.embodied(point)
        yield Step(f"avoided, {point}", how, avoided, "g", recorded)
    percent = round(100 * (control.carbon - job.carbon) / control.carbon, 0)
    yield Step(
        "saved", f"{text(control.carbon - job.carbon)} / {text(control.carbon)}", percent, "%", "76 % (measured)"
    )


def others() -> Iterator[tuple[Paper, str]]:
    """The further jobs that were settled when the ledger was printed, each with the joules of its report."""
    for name, joules in (("digits-low", "237.416"), ("digits-high", "330.559"), ("newswire-small-topics", "579.979")):
        yield paper(name), joules


def ledger() -> Iterator[Step]:
    """The namespace's totals, which are the sum over its five settled jobs."""
    papers = [paper(name) for name in PODS]
    for what, recorded in (("operational", "1.068769"), ("embodied", "0.148308")):
        each = [round(one.operational if what == "operational" else one.embodied(), 6) for one in papers]
        yield Step(what, " + ".join(map(text, each)), sum(each, Decimal(0)), "g", recorded)


RECORDED = {
    JOB: {
        "idle": "403.824",
        "cpu": "445.868",
        "modelled": "249.686",
        "estimated": "226.142",
        "energy": "1325.52",
        "operational": "0.177104",
        "embodied": "0.023251",
        "carbon": "0.2004",
    },
    CONTROL: {"energy": "5525.625", "carbon": "839 mg"},
}
"""What the transcripts print of the two, in the digits in which they do."""


def text(value: Decimal) -> str:
    """All digits, with commas between thousands."""
    return f"{value.normalize():,f}"


def _table(steps: Iterator[Step]) -> list[str]:
    return ["| step | by hand | result | recorded |", "| --- | --- | --- | --- |", *(step.row for step in steps)]


def section() -> list[str]:
    """The lines of the page."""
    lines: list[str] = []
    for name in (JOB, CONTROL):
        one = paper(name)
        seconds, used = one.seconds, one.cpu_seconds
        lines += [f"### {name}", f"One pod, reserved for {seconds} s, counted {used} CPU seconds.", ""]
        lines += [*_table(account(one, RECORDED[name])), ""]
    lines += ["### The job beside its control", *_table(savings()), ""]
    lines += ["### The other jobs, in short"]
    lines += ["| job | reserved | CPU seconds | host_idle + cpu | with overhead | recorded | operational | embodied |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for one, joules in others():
        grams = [text(round(value, 6)) for value in (one.operational, one.embodied())]
        at_work = f"{text(round(one.idle, 3))} + {text(round(one.cpu, 3))} J"
        energy = f"{text(one.joules)} J"
        cells = (one.name, f"{one.seconds} s", str(one.cpu_seconds), at_work, energy, joules)
        cells += tuple(f"{each} g" for each in grams)
        lines += [f"| {' | '.join(cells)} |"]
    return [*lines, "", "### The namespace's ledger: all five", *_table(ledger())]


def filled(page: str) -> str:
    """The page with the demo's jobs between its marks."""
    pattern = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page lacks the marks {BEGIN} and {END}")
    joined = "\n".join(section())
    return pattern.sub(lambda _: f"{BEGIN}\n{joined}\n{END}", page)
