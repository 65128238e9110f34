"""Whether to try several base models on a sample of the job's data before the ladder is decided, and which.

A probe is taken before anything else ran, where what its outcome is expected to save (see `preposterior`) exceeds its
own expected cost MARGIN times, and only where the ladder that would run without it still fits every limit with the
probe's high estimate spent. The models asked are those whose rungs come first by cost / chance; of two, three or four
the number that gains most.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from coppice.api.base import rounded
from coppice.api.decision import ProbeRecord
from coppice.api.vocabulary import Method, Mode, OptimizeFor, Probing
from coppice.planning.board import Board, Placed
from coppice.planning.candidate import Candidate
from coppice.planning.catalogue import Registered
from coppice.planning.choice import Choice
from coppice.planning.estimate import Estimate
from coppice.planning.fit.ability import model_has_the_method, trainer_has_the_method
from coppice.planning.hardware import Hardware
from coppice.planning.ladder import Rung, by_price, fits
from coppice.planning.likelihood import RATIOS
from coppice.planning.preposterior import MOST_PROSPECTS, Prospect, value_of_probing
from coppice.planning.request import Request
from coppice.planning.sampling import Sample, probe_estimates, sample_of, sampled_options

AGREEMENT = {
    Method.LINEAR_PROBE: 0.85,
    Method.LORA: 0.7,
    Method.QLORA: 0.7,
    Method.FULL_FINE_TUNE: 0.7,
}
"""How often a probe's word on a base model agrees with the outcome of its rung; assumed."""
MARGIN = 2.0
"""The value takes base models for independent, and AGREEMENT is assumed; on one job's data models miss together."""
FEWEST_MODELS, MOST_MODELS = 2, 4
UNITS = {
    OptimizeFor.CARBON: "gCO2e",
    OptimizeFor.ENERGY: "Wh",
    OptimizeFor.TIME: "s",
    OptimizeFor.COST: "in the installation's currency",
}
MOST_FILE_BYTES = 96 * 1024
"""Of the probed models' file lists: the run file shares 256 KiB with every annotation of the pod."""


@dataclass(frozen=True)
class Probe:
    """A probe worth its cost: the base models, the sample, where it runs, and what it uses and is expected to save."""

    models: tuple[Registered, ...]
    sample: Sample
    hardware: Hardware
    estimate: Estimate
    value: float

    def record(self, request: Request) -> ProbeRecord:
        """As it stands in the decision."""
        return ProbeRecord(
            base_models=tuple(model.reference for model in self.models),
            examples=self.sample.examples,
            held_out=self.sample.held_out,
            profile=self.hardware.profile.metadata.name,
            accelerators_per_pod=self.hardware.accelerators,
            estimate=self.estimate.record(request.unit),
            value=rounded(self.value),
        )

    def sentence(self, request: Request) -> str:
        """What comes first, for how much, and what it is good for."""
        names = ", ".join(model.reference.name for model in self.models)
        grams, unit = self.estimate.carbon.median, UNITS[request.unit]
        spent, saved = self.estimate.expected(request.unit), self.value
        return (
            f"First a probe of {names} on {self.sample.size} examples ({grams:.3g} gCO2e): it is expected to save"
            f" {saved:.3g} {unit} for {spent:.3g} {unit}; then the plan is decided again."
        )


def worth_probing(board: Board, choice: Choice) -> Probe | None:
    """The probe to run before the choice's ladder; None where there is none or it is not worth its cost."""
    request = board.request
    if not _allowed(request):
        return None
    sample, failure = sample_of(request), _failure(board, choice)
    if sample is None or failure is None:
        return None
    placed = _first_by_price(board, choice)
    asked = list(_probeable(placed, request))
    if len(asked) < FEWEST_MODELS:
        return None
    prospects = _prospects(asked, placed, request)
    substitutes = board.rules.train_rungs - (1 if _last(board, choice) else 0)
    options = sampled_options(request, [model for _, model in asked], sample)
    probes = []
    for count in range(FEWEST_MODELS, len(asked) + 1):
        value = value_of_probing(prospects, count, failure, substitutes, board.rules.minimum_saving)
        models = tuple(model for _, model in asked[:count])
        probes.append(_probe(request, models, sample, options[:count], value))
    worth = [one for one in probes if one and _gain(one, request) > 0]
    best_first = sorted(worth, key=lambda one: (-_gain(one, request), len(one.models)))
    return next((one for one in best_first if _leaves_room(one, board, choice)), None)


def _gain(probe: Probe, request: Request) -> float:
    """Value beyond what the probe must be worth."""
    return probe.value - MARGIN * probe.estimate.expected(request.unit)


def _allowed(request: Request) -> bool:
    """Whether a probe may run: before anything else, and where its figures can be compared with the target."""
    objective = request.spec.objective
    return (
        request.may_probe
        and not request.tried
        and request.resolved.probe is Probing.AUTO
        and request.mode in {Mode.AUTO, Mode.REQUIRE}
        and objective.target is not None
        and objective.metric in RATIOS
        and not request.own_fine_tuning
    )


def _failure(board: Board, choice: Choice) -> float | None:
    """What a miss of every base model costs: the plan from scratch, or what one would cost where none may run."""
    last = _last(board, choice)
    if last is not None:
        return last.cost
    return board.counterfactual.estimate.expected(board.request.unit) if board.counterfactual else None


def _last(board: Board, choice: Choice) -> Rung | None:
    """The plan from scratch, where the ladder ends in it."""
    return board.last if board.last is not None and choice.ladder.rungs[-1].name == board.last.name else None


def _first_by_price(board: Board, choice: Choice) -> list[Placed]:
    """Of each base model the rung with the least cost for its chance, the best models first."""
    last, rules = _last(board, choice), board.rules
    ending = [last] if last else []
    best: dict[str, Placed] = {}
    for rung in by_price(board.rungs):
        if len(best) == MOST_PROSPECTS:
            break
        if rung.group not in best and fits([rung, *ending], rules):
            placed = board.placed(rung)
            if placed.candidate.method in AGREEMENT:
                best[rung.group] = placed
    return list(best.values())


def _probeable(placed: Iterable[Placed], request: Request) -> Iterator[tuple[Placed, Registered]]:
    """The first models that the trainer can probe, as many as a run file has room for."""
    room, count = MOST_FILE_BYTES, 0
    for one in placed:
        model = one.candidate.model
        if model is None or count == MOST_MODELS:
            continue
        listed = sum(len(model.spec.source.uri) + 2 * len(file.name) + 150 for file in model.spec.source.files)
        if listed <= room and _can_be_probed(model, request):
            room, count = room - listed, count + 1
            yield one, model


def _can_be_probed(model: Registered, request: Request) -> bool:
    checks = (trainer_has_the_method, model_has_the_method)
    return not any(check(model, Method.LINEAR_PROBE, request) for check in checks)


def _probe(
    request: Request,
    models: tuple[Registered, ...],
    sample: Sample,
    options: Sequence[Sequence[Candidate]],
    value: float,
) -> Probe | None:
    """A probe of these models on its cheapest configuration; None where no pod holds all of them."""
    estimates = probe_estimates(options)
    if not estimates:
        return None
    hardware, estimate = min(
        estimates, key=lambda pair: (pair[1].expected(request.unit), pair[0].profile.metadata.name)
    )
    return Probe(models, sample, hardware, estimate, value)


def _prospects(
    asked: Iterable[tuple[Placed, Registered]], placed: Iterable[Placed], request: Request
) -> list[Prospect]:
    """Of the models asked, in their order, then of the others."""
    first = {one.name: one for one, _ in asked}
    others = (one for one in placed if one.name not in first)
    return [_prospect(one, request) for one in (*first.values(), *others)]


def _prospect(placed: Placed, request: Request) -> Prospect:
    candidate = placed.candidate
    cost = candidate.estimate.expected(request.unit)
    return Prospect(placed.name, cost, placed.chance.value, AGREEMENT[candidate.method])


def _leaves_room(probe: Probe, board: Board, choice: Choice) -> bool:
    """Whether the ladder that would run without the probe still fits once its high estimate is spent."""
    if not board.request.limited:
        return True
    energy, carbon, seconds = probe.estimate.highs
    spent = board.request.spent
    changes = {
        "energy_watt_hours": rounded(float(spent.energy_watt_hours) + energy),
        "carbon_grams": rounded(float(spent.carbon_grams) + carbon),
        "run_seconds": spent.run_seconds + ceil(seconds),
    }
    later = replace(board.request, spent=spent.model_copy(update=changes))
    rules = replace(board.rules, remaining=later.remaining)
    return fits([board.placed(rung).rung(later) for rung in choice.ladder.rungs], rules)
