"""The sample that a probe looks at, and what looking at it with several base models is expected to use.

The sample is whole parts of the features that a LinearProbe of the full data computes: the first ones of its training
part and the first one of its validation part, both in the seeded order, never the evaluation data. A later LinearProbe
of the same base model finds them; the estimate does not count on that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil

from coppice.api.trainingjob import TrainingJob
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate, on_hardware
from coppice.planning.catalogue import Registered
from coppice.planning.estimate import Estimate, Inputs
from coppice.planning.hardware import Hardware
from coppice.planning.kinds import Kind
from coppice.planning.lognormal import LogNormal
from coppice.planning.request import Request
from coppice.planning.utilisation import START_SECONDS

PART = 512
"""Examples whose features the trainer computes and keeps together."""
EXAMPLES_PER_LABEL = 16
MOST_PARTS = 4
LEAST_HELD_OUT = 100
"""Fewer held-out examples tell a quality of 0.9 to no better than 0.03."""
VALIDATION_SHARE = 0.1
"""Part of the training data that is held out."""
LARGEST_SHARE = 0.5
"""Of the training data: a sample that is most of it is no sample."""


@dataclass(frozen=True)
class Sample:
    """Training examples to learn from, and held-out ones to judge on."""

    examples: int
    held_out: int

    @property
    def size(self) -> int:
        """Examples that each model is run forward on."""
        return self.examples + self.held_out


def sample_of(request: Request) -> Sample | None:
    """The sample of a job's training data; None where the data is too small to hold one."""
    data = request.spec.dataset
    parts = min(ceil((data.labels or 2) * EXAMPLES_PER_LABEL / PART), MOST_PARTS)
    sample = Sample(parts * PART, min(int(data.examples * VALIDATION_SHARE), PART))
    if sample.size > LARGEST_SHARE * data.examples or sample.held_out < LEAST_HELD_OUT:
        return None
    return sample


def sampled_options(request: Request, models: Iterable[Registered], sample: Sample) -> list[Sequence[Candidate]]:
    """Of each model a LinearProbe on the sample, on every configuration of one pod that holds it.

    Models of the same figures share theirs: registries hold many fine-tunes of one network.
    """
    sampled = request.with_other_data(_sampled(request.job, sample))
    found: dict[Kind, Sequence[Candidate]] = {}
    options = []
    for model in models:
        if model.figures not in found:
            found[model.figures] = _options(sampled, model)
        options.append(found[model.figures])
    return options


def _options(sampled: Request, model: Registered) -> list[Candidate]:
    """A licence's price is due where a rung uses the model, not for a look; the account agrees.

    Nor is the data's price due for each model that looks at it.
    """
    spec, free = model.spec, model
    if spec.price_per_job is not None or spec.price_per_month is not None:
        free = replace(model, spec=spec.model_copy(update={"price_per_job": None, "price_per_month": None}))
    options = on_hardware(sampled, free, Method.LINEAR_PROBE)
    return [one for one in options if one.hardware.pods == 1 and one.estimate.of(sampled.unit) is not None]


def probe_estimates(options: Sequence[Sequence[Candidate]]) -> list[tuple[Hardware, Estimate]]:
    """Configurations that every one of several models has, with the estimate of one pod that looks at them all."""
    found: dict[tuple[str, int], list[Candidate]] = {}
    for option in (one for each in options for one in each):
        key = option.hardware.profile.metadata.name, option.hardware.accelerators
        found.setdefault(key, []).append(option)
    return [
        (same[0].hardware, one_after_the_other([one.estimate for one in same], START_SECONDS[same[0].hardware.kind]))
        for same in found.values()
        if len(same) == len(options)
    ]


def one_after_the_other(estimates: Sequence[Estimate], start_seconds: float) -> Estimate:
    """The estimate of one pod that does all of this: it starts once, and memory is that of the largest."""
    seconds = sum(one.seconds.median for one in estimates)
    once = (seconds - (len(estimates) - 1) * start_seconds) / seconds
    widest = max(estimates, key=lambda one: one.seconds.sigma)
    costs = [one.cost for one in estimates if one.cost]
    return replace(
        widest,
        flops=_sum([one.flops for one in estimates]),
        memory_bytes=max((one.memory_bytes for one in estimates), key=lambda memory: memory.high),
        seconds=_sum([one.seconds for one in estimates], once),
        energy=_sum([one.energy for one in estimates], once),
        operational=_sum([one.operational for one in estimates], once),
        embodied=_sum([one.embodied for one in estimates], once),
        carbon=_sum([one.carbon for one in estimates], once),
        cost=_sum(costs, once) if len(costs) == len(estimates) else None,
        inputs=Inputs(lambda: {**widest.inputs, "models": Decimal(len(estimates))}),
    )


def _sampled(job: TrainingJob, sample: Sample) -> TrainingJob:
    """The job as if its data were the sample: a LinearProbe runs each example forward, and a tenth more to judge."""
    examples = round(sample.size / (1 + VALIDATION_SHARE))
    data = job.spec.dataset.model_copy(update={"examples": examples, "evaluation_uri": None, "price": None})
    return job.model_copy(update={"spec": job.spec.model_copy(update={"dataset": data})})


def _sum(quantities: Sequence[LogNormal], factor: float = 1.0) -> LogNormal:
    """Fully dependent quantities added up: all of them are slow on a slow node."""
    return LogNormal(factor * sum(one.median for one in quantities), max(one.sigma for one in quantities))
