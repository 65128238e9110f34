"""The walk-through in docs/decision.md: one decision followed with pencil and paper, beside what Coppice says.

Every line is computed here from the manifests in examples/walkthrough and from figures that an earlier line printed,
to the digits in which it printed them, by the formulas of the page. The planner is asked only for what it says at the
end of a line. So the page is right, or a test fails: it cannot fall behind the product.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from math import exp, log, log10, sqrt
from pathlib import Path
from typing import Any

import yaml

from coppice.api.decision import CandidateRecord, DecisionRecord, SpentRecord
from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import Method
from coppice.cli.world import Catalogue, Installation, from_directories
from coppice.planning import chance, epochs, estimate, utilisation, workload
from coppice.planning.configuration import network_of_config
from coppice.planning.decision import Refusal, decide
from coppice.planning.learning.chapter import Quantity
from coppice.planning.learning.history import VARIANCES
from coppice.planning.network import Network, network_of
from coppice.planning.power import BUSY_SHARE_OF_CORES, STARTING_CORES

WORLD = Path(__file__).resolve().parents[1] / "examples" / "walkthrough"
BEGIN, END = "<!-- generated from examples/walkthrough by `make generate` -->", "<!-- end of the walk-through -->"
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUANTILES = 2 * 1.2815515655446004
"""Standard deviations between the 10th and the 90th percentile of a normal distribution."""
YEAR = 8760 * 3600
TIME = VARIANCES[Quantity.TIME]


@dataclass(frozen=True)
class Line:
    """One line of the walk: what is computed, how, what comes out, and what the record says (None: not in it)."""

    what: str
    how: str
    paper: float
    record: float | None = None

    @property
    def text(self) -> str:
        said = "" if self.record is None else f" Record: {figure(self.record)}."
        return f"- {self.what} = {self.how} = **{figure(self.paper)}**.{said}"


def figure(value: float) -> str:
    """Four significant digits."""
    text = f"{value:.4g}"
    if "e" not in text:
        return text
    digits, power = text.split("e")
    return f"{digits} x 10^{int(power)}"


def written(value: float) -> float:
    """A figure as the reader takes it over: what was printed."""
    return float(f"{value:.4g}")


@cache
def catalogue() -> Catalogue:
    """The world of the walk-through."""
    return from_directories([WORLD], Installation())


@cache
def job() -> TrainingJob:
    """Its job."""
    return TrainingJob.model_validate(yaml.safe_load((WORLD / "job.yaml").read_text()))


@cache
def decision() -> DecisionRecord:
    """What the planner says."""
    world = catalogue()
    found = decide(
        job(), world.resolved(job()), world.world(job()), spent=SpentRecord(), tried=(), now=MOMENT, may_probe=False
    )
    if isinstance(found, Refusal):
        raise ValueError(found.message)  # noqa: TRY004
    return found


def sections() -> dict[str, list[Line]]:
    """The walk, by heading."""
    probe, scratch = decision().ladder
    substitute, plan = Plan.of(probe, _network()), Plan.of(scratch, _declared())
    found: dict[str, list[Line]] = {}
    for one in (substitute, plan):
        found[f"{one.name}: time"] = list(_time(one))
        found[f"{one.name}: carbon"] = list(_carbon(one))
        found[f"{one.name}: chance"] = list(_chance(one))
    found["The ladder"] = list(_ladder(probe, scratch))
    return found


def filled(page: str) -> str:
    """The page with the walk between its marks."""
    parts = []
    for heading, lines in sections().items():
        parts += [f"### {heading}", *(line.text for line in lines), ""]
    walk = "\n".join(parts).rstrip()
    pattern = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page lacks the marks {BEGIN} and {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n{walk}\n{END}", page)


@dataclass
class Plan:
    """One rung with what the reader has written down of it so far."""

    name: str
    record: CandidateRecord
    network: Network
    written: dict[str, float]

    @classmethod
    def of(cls, record: CandidateRecord, network: Network) -> Plan:
        """A plan of which nothing is written down yet."""
        return cls(str(record.method), record, network, {})

    def line(self, key: str, what: str, how: str, paper: float, record: float | None = None) -> Line:
        """A line whose outcome later lines use."""
        self.written[key] = written(paper)
        return Line(what, how, paper, record)

    def __getitem__(self, key: str) -> float:
        return self.written[key]

    def input(self, name: str) -> float:
        """An input that the record shows."""
        return float(self.record.estimate.inputs[name])

    @property
    def trains(self) -> bool:
        return self.record.method is Method.FROM_SCRATCH


def _network() -> Network:
    (model,) = catalogue().index.catalogue
    return network_of(model.spec.architecture)


def _declared() -> Network:
    declared = job().spec.from_scratch
    assert declared is not None
    network = network_of_config(declared.config, job().spec.dataset.labels or 2)
    assert network is not None
    return network


def _profile() -> dict[str, Any]:
    (profile,) = catalogue().index.profiles
    return profile.spec.wire()


def _time(one: Plan) -> Iterator[Line]:
    network, data = one.network, job().spec.dataset
    tokens, layers, width = data.tokens_per_example or 0, network.layers or 0, network.hidden_size or 0
    each, head = network.token_parameters, network.example_parameters
    yield one.line(
        "forward",
        "FLOPs of one example's forward pass, 2 (N S + H) + 4 S^2 d L",
        f"2 ({each:.0f} x {tokens} + {head:.0f}) + 4 x {tokens}^2 x {width} x {layers}",
        2 * (each * tokens + head) + 4 * tokens**2 * width * layers,
    )
    yield from _work(one, data.examples)
    peak = float(_profile()["host"]["peakTeraFlops"])
    parallel = utilisation.CORES_IN_PARALLEL
    yield one.line(
        "forward rate",
        "rate forward in TFLOP/s",
        f"{peak} x {parallel} x 0.9 x {width} / ({width} + 64)",
        peak * parallel * 0.9 * width / (width + 64),
    )
    start = utilisation.START_SECONDS["cpu"]
    how, compute = f"{figure(one['read'])} / {one['forward rate']:g}", one["read"] / one["forward rate"]
    if one.trains:
        yield one.line(
            "training rate",
            "rate in training in TFLOP/s",
            f"{peak} x {parallel} x 0.7 x {width} / ({width} + 96)",
            peak * parallel * 0.7 * width / (width + 96),
        )
        how += f" + {figure(one['trained'])} / {one['training rate']:g}"
        compute += one["trained"] / one["training rate"]
    yield one.line("compute", "seconds of arithmetic", how, compute)
    yield one.line(
        "before", "seconds before any job taught anything", f"{start:.0f} + {one['compute']:g}", start + one["compute"]
    )
    yield from _learned(one)


def _work(one: Plan, examples: int) -> Iterator[Line]:
    evaluated, validation = workload.EVALUATION_SHARE, workload.VALIDATION_SHARE
    if not one.trains:
        yield one.line(
            "read",
            "TFLOP of running all data and the test part forward once",
            f"{examples} x (1 + {evaluated}) x {figure(one['forward'])} / 10^12",
            examples * (1 + evaluated) * one["forward"] / 1e12,
            float(one.record.estimate.flops.mid) / 1e12,
        )
        return
    declared = job().spec.from_scratch
    assert declared is not None
    share = epochs.WITH_TARGET[Method.FROM_SCRATCH].median
    yield one.line(
        "epochs",
        "epochs until the target",
        f"{declared.epochs} x {share}",
        declared.epochs * share,
        one.input("epochs"),
    )
    yield one.line(
        "trained",
        "TFLOP of training, three forward passes an example",
        f"3 x {one['epochs']:g} x {1 - validation} x {examples} x {figure(one['forward'])} / 10^12",
        3 * one["epochs"] * (1 - validation) * examples * one["forward"] / 1e12,
    )
    yield one.line(
        "read",
        "TFLOP of judging, each epoch and at the end",
        f"({one['epochs']:g} x {validation} + {evaluated}) x {examples} x {figure(one['forward'])} / 10^12",
        (one["epochs"] * validation + evaluated) * examples * one["forward"] / 1e12,
    )


def _learned(one: Plan) -> Iterator[Line]:
    """What the one report teaches: the whole of it about its own cell, the profile's part about any other."""
    (report,) = catalogue().index.reports("research")
    took, lesson = report.spec.attempts[0].run_seconds, catalogue().index.history.own("research").lessons[0]
    assert lesson.time is not None
    estimated = written(took / exp(lesson.time))
    shared = TIME.between(
        (lesson.method, lesson.family, lesson.profile), (one.record.method, one.network.family, lesson.profile)
    )
    seen = f"({TIME.effects:g} + {TIME.scatter:g})"
    yield one.line(
        "log factor",
        f"logarithm of the learned factor, of one job that took {took} s where {estimated:g} s were estimated",
        f"ln({took} / {estimated:g}) x {shared:.2f} / {seen}",
        log(took / estimated) * shared / (TIME.effects + TIME.scatter),
    )
    yield one.line("factor", "factor", f"exp({one['log factor']:g})", exp(one["log factor"]), one.input("timeFactor"))
    yield one.line(
        "seconds",
        "seconds, middle",
        f"{one['before']:g} x {one['factor']:g}",
        one["before"] * one["factor"],
        float(one.record.estimate.run_seconds.mid),
    )
    own, method = estimate.OWN_SIGMA[one.record.method], one.record.method
    spread = epochs.WITH_TARGET[method].sigma if one.trains else 0.0
    left = 1 - shared**2 / (TIME.effects * (TIME.effects + TIME.scatter))
    yield one.line(
        "own",
        "own sigma, half of whose square shrinks with what is known",
        f"sqrt({own:g}^2 + {spread:g}^2) x sqrt((1 - {shared:.2f}^2 / ({TIME.effects:g} x {seen}) + 1) / 2)",
        sqrt(own**2 + spread**2) * sqrt((left + 1) / 2),
        one.input("ownSigma"),
    )


def _carbon(one: Plan) -> Iterator[Line]:
    host, pue = _profile()["host"], float(_profile()["pue"])
    idle, peak, cores = float(host["idleWatts"]), float(host["peakWatts"]), int(host["cores"])
    start, all_busy = utilisation.START_SECONDS["cpu"], BUSY_SHARE_OF_CORES * cores
    yield one.line(
        "busy",
        "busy cores, mean over the run",
        f"({STARTING_CORES:.0f} x {start:.0f} + {BUSY_SHARE_OF_CORES} x {cores} x {one['compute']:g})"
        f" / {one['before']:g}",
        (STARTING_CORES * start + all_busy * one["compute"]) / one["before"],
    )
    yield one.line(
        "watts",
        "facility watts, (idle + busy cores x watts a core) x PUE",
        f"({idle} + {one['busy']:g} x ({peak} - {idle}) / {cores}) x {pue}",
        (idle + one["busy"] * (peak - idle) / cores) * pue,
        one.input("facilityWatts"),
    )
    yield one.line(
        "energy",
        "energy in Wh, middle",
        f"{one['seconds']:g} x {one['watts']:g} / 3600",
        one["seconds"] * one["watts"] / 3600,
        float(one.record.estimate.energy_watt_hours.mid),
    )
    grams = one.input("gramsPerKilowattHour")
    yield one.line(
        "operational",
        "operational carbon in g, middle",
        f"{one['energy']:g} x {grams} / 1000",
        one["energy"] * grams / 1000,
        float(one.record.estimate.operational_grams.mid),
    )
    kilograms, years = host["embodiedKilograms"], int(_profile()["lifespanYears"])
    yield one.line(
        "embodied",
        "embodied carbon in g, middle",
        f"{kilograms['mid']} x 1000 x {one['seconds']:g} / ({years} x {YEAR})",
        float(kilograms["mid"]) * 1000 * one["seconds"] / (years * YEAR),
        float(one.record.estimate.embodied_grams.mid),
    )
    yield from _expected(one, float(kilograms["low"]), float(kilograms["high"]))


def _expected(one: Plan, low: float, high: float) -> Iterator[Line]:
    """The mean of a log-normal is its middle times exp(half of the square of its sigma); means may be added."""
    shared, power = estimate.SHARED_SIGMA, estimate.POWER_SIGMA
    yield one.line("time", "square of the time's sigma", f"{shared}^2 + {one['own']:g}^2", shared**2 + one["own"] ** 2)
    spread = log(high / low) / QUANTILES
    yield one.line("hardware", "sigma of the hardware's carbon", f"ln({high:g} / {low:g}) / {QUANTILES:.3f}", spread)
    yield one.line(
        "expected",
        "expected carbon in g",
        f"{one['operational']:g} x exp(({one['time']:g} + {power}^2) / 2)"
        f" + {one['embodied']:g} x exp(({one['time']:g} + {one['hardware']:g}^2) / 2)",
        one["operational"] * exp((one["time"] + power**2) / 2)
        + one["embodied"] * exp((one["time"] + one["hardware"] ** 2) / 2),
        float(one.record.estimate.expected),
    )


def _chance(one: Plan) -> Iterator[Line]:
    said, data = one.record.chance, job().spec.dataset
    labels, target = data.labels or 2, float(job().spec.objective.target or 0)
    per_label = f"{data.examples} / {labels} / {chance.EXAMPLES_PER_LABEL}"
    weight = chance.DATA_WEIGHT * (2 if one.trains else 1)
    terms = {"base": chance.SCRATCH_BASE if one.trains else chance.BASE}
    if not one.trains:
        size = one.network.matrix_parameters
        terms["method"] = chance.METHOD_LOGITS[one.record.method]
        terms["domain"] = chance.DOMAIN_WEIGHT
        yield one.line(
            "size",
            "size",
            f"{chance.SIZE_WEIGHT} x (log10({size}) - 8)",
            chance.SIZE_WEIGHT * (log10(size) - 8),
            float(said.inputs["size"]),
        )
    yield one.line(
        "data",
        "data",
        f"{weight:g} x log10({per_label})",
        weight * log10(data.examples / labels / chance.EXAMPLES_PER_LABEL),
        float(said.inputs["data"]),
    )
    yield one.line(
        "way",
        "way from guessing to perfect",
        f"({target} - 1/{labels}) / (1 - 1/{labels})",
        (target - 1 / labels) / (1 - 1 / labels),
    )
    ratio = chance.TYPICAL_RATIO
    difficulty = chance.DIFFICULTY_WEIGHT * (log(ratio / (1 - ratio)) - log(one["way"] / (1 - one["way"])))
    yield one.line(
        "difficulty",
        "difficulty",
        f"{chance.DIFFICULTY_WEIGHT} x (logit({ratio}) - logit({one['way']:g}))",
        difficulty,
        float(said.inputs["difficulty"]),
    )
    terms |= {name: one[name] for name in ("size", "data", "difficulty") if name in one.written}
    sum_text = " + ".join(f"{value:g}" if value >= 0 else f"({value:g})" for value in terms.values())
    yield one.line("sum", f"log-odds: {', '.join(terms)}", sum_text, sum(terms.values()))
    yield one.line("prior", "prior", f"1 / (1 + exp(-({one['sum']:g})))", 1 / (1 + exp(-one["sum"])), float(said.prior))
    met, weighed = (float(said.inputs.get(name, Decimal(0))) for name in ("evidenceMet", "evidenceWeight"))
    strength = chance.PRIOR_STRENGTH
    yield one.line(
        "chance",
        f"chance, {said.basis}",
        f"({strength:g} x {one['prior']:g} + {met:g}) / ({strength:g} + {weighed:g})",
        (strength * one["prior"] + met) / (strength + weighed),
        float(said.value),
    )


def _ladder(probe: CandidateRecord, scratch: CandidateRecord) -> Iterator[Line]:
    (first, last), record = ((float(one.chance.value) for one in (probe, scratch)), decision())
    costs = [float(one.estimate.expected) for one in (probe, scratch)]
    yield Line("chance of scratch alone", "its own", last)
    yield Line(
        "chance of trying the base model first",
        f"1 - (1 - {first}) x (1 - {last})",
        1 - (1 - first) * (1 - last),
        float(record.ladder_chance or 0),
    )
    yield Line("expected carbon of scratch alone in g", "its own", costs[1])
    yield Line(
        "expected carbon of trying the base model first in g",
        f"{costs[0]} + (1 - {first}) x {costs[1]}",
        costs[0] + (1 - first) * costs[1],
        float(record.ladder_expected or 0),
    )
