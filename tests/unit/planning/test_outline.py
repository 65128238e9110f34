"""Outlines: what is told of all candidates at once is what each of them says of itself, and nothing depends on it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bench.registry import jobs, models, profiles
from builders import make_report
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import SpentRecord
from coppice.api.trainer_spec import Hyperparameters, Trainer
from coppice.api.trainingjob import Limits, Resources, TrainingJob
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Method, Mode, OptimizeFor
from coppice.planning import survey
from coppice.planning.candidate import Candidate
from coppice.planning.catalogue import Catalogue
from coppice.planning.chance import Chances
from coppice.planning.counterfactual import scratch_candidate
from coppice.planning.decision import Refusal, decide
from coppice.planning.groups import grouped
from coppice.planning.learning.history import History
from coppice.planning.outcomes import Outcomes
from coppice.planning.passing import passing
from coppice.planning.rejections import Rejections
from coppice.planning.request import Request
from coppice.planning.resolved import Resolved
from coppice.planning.sieving.outline import TOO_LARGE, UNSURE
from coppice.planning.sieving.sieve import Sieve
from coppice.planning.world import World
from worlds import make_intensity

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CATALOGUE = Catalogue.of([*models(600, task="text-classification"), *models(200, seed=8, task="image-classification")])
HOSTS = ("huggingface.co",)


def priced(profile: ComputeProfile) -> ComputeProfile:
    prices = {"price_per_hour": Decimal("1.5"), "energy_price_per_kilowatt_hour": Decimal("0.2")}
    return profile.model_copy(update={"spec": profile.spec.model_copy(update=prices)})


def small(profile: ComputeProfile) -> ComputeProfile:
    """With accelerators that hold few networks without computing activations again, and some not at all."""
    device = profile.spec.accelerator
    if device is None:
        return profile
    smaller = {"accelerator": device.model_copy(update={"memory": "12Gi"})}
    return profile.model_copy(update={"spec": profile.spec.model_copy(update=smaller)})


def world(*profiles: ComputeProfile, reports: tuple[TrainingReport, ...] = ()) -> World:
    history = History.of(reports) if reports else None
    return World(
        CATALOGUE, profiles, lambda zone: make_intensity(zone=zone), "DE", Decimal("1.2"), reports, history=history
    )


WORLDS = {
    "priced": world(*map(priced, profiles())),
    "small accelerators": world(*map(small, map(priced, profiles()))),
    "only cpu": world(priced(profiles()[0])),
    "only accelerators": world(priced(profiles()[1])),
    "what jobs taught": world(*map(priced, profiles()), reports=(make_report().build(),)),
}
RULES = {
    "carbon": Resolved(hosts=HOSTS),
    "cost": Resolved(hosts=HOSTS, optimize_for=OptimizeFor.COST),
    "time": Resolved(hosts=HOSTS, optimize_for=OptimizeFor.TIME),
    "seconds": Resolved(hosts=HOSTS, limits=Limits(run_seconds=2000)),
    "grams": Resolved(hosts=HOSTS, limits=Limits(carbon_grams=40, energy_watt_hours=400)),
    "no scratch": Resolved(hosts=HOSTS, mode=Mode.REQUIRE),
    "advice": Resolved(hosts=HOSTS, mode=Mode.RECOMMEND),
}


def outcomes(request: Request, *, outline: bool) -> Outcomes:
    groups = grouped(request, passing(request, (), Rejections()))
    return Outcomes(request, groups, Rejections(), outline=outline)


def computing_again(job: TrainingJob) -> TrainingJob:
    """The job whose user wants activations computed again, which not every network can."""
    again = Trainer(hyperparameters=Hyperparameters(gradient_checkpointing=True))
    return job.model_copy(update={"spec": job.spec.model_copy(update={"trainer": again})})


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("where", WORLDS)
def test_an_outline_tells_what_every_candidate_says_of_itself(where: str, rules: str) -> None:
    wanted = list(jobs(4, seed=3))
    for job in (*wanted, *map(computing_again, wanted[:2])):
        request = Request(job, RULES[rules], WORLDS[where])
        outlined, whole = outcomes(request, outline=True), outcomes(request, outline=False)
        cases = [(alike, method, row) for alike in outlined._alike.values() for method, row in alike.rows.items()]
        assert len(cases) > 20
        for alike, method, row in cases:
            standing, candidate = outlined._standing[row], whole._laid_out(whole._alike[alike.kind], method)
            if standing == UNSURE:
                continue
            assert isinstance(candidate, Candidate) == (standing != TOO_LARGE)
            if isinstance(candidate, Candidate):
                assert outlined.outline.cost[row] == pytest.approx(candidate.estimate.expected(request.unit), rel=1e-12)
                if request.limited:
                    assert outlined.outline.highs[:, row] == pytest.approx(candidate.estimate.highs, rel=1e-12)
                options = (*request.hardware, *request.larger_hardware)
                chosen, best = options[standing], candidate.hardware
                assert (chosen.profile, chosen.accelerators) == (best.profile, best.accelerators)


def variants(job: TrainingJob) -> Iterator[TrainingJob]:
    """The job; one that may try often, is held to a little memory of CPU nodes, or computes activations again."""
    yield job
    yield job.model_copy(update={"spec": job.spec.model_copy(update={"max_attempts": 8})})
    little = Resources(memory="6Gi", accelerators_per_pod=0)
    yield job.model_copy(update={"spec": job.spec.model_copy(update={"resources": little})})
    yield computing_again(job)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("where", WORLDS)
def test_a_decision_is_the_same_bytes_as_when_every_candidate_is_laid_out(
    where: str, rules: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [variant for job in jobs(2, seed=10) for variant in variants(job)]
    quick = [decided(job, RULES[rules], WORLDS[where]) for job in wanted]
    monkeypatch.setattr(survey, "may_outline", lambda request, groups: False)
    assert quick == [decided(job, RULES[rules], WORLDS[where]) for job in wanted]


def decided(job: TrainingJob, rules: Resolved, where: World) -> bytes | str:
    found = decide(job, rules, where, spent=SpentRecord(), tried=(), now=NOW)
    if isinstance(found, Refusal):
        return found.record.canonical() if found.record else found.message
    return found.canonical()


def test_most_candidates_are_counted_and_never_drafted() -> None:
    request = Request(next(iter(jobs(1, seed=3))), RULES["carbon"], WORLDS["priced"])
    sieve = Sieve.of(request, scratch_candidate(request), Chances(request, {}))
    everything, sieved = survey.survey(request), survey.survey(request, sieve=sieve)
    assert sieved.spared > everything.fitting / 3
    assert (sieved.fitting, sieved.rejected, sieved.sentences) == (
        everything.fitting,
        everything.rejected,
        everything.sentences,
    )


def test_use_as_it_is_is_outlined_too() -> None:
    requests = [Request(job, RULES["carbon"], WORLDS["priced"]) for job in jobs(4, seed=3)]
    alike = [one for request in requests for one in outcomes(request, outline=True)._alike.values()]
    assert Method.AS_IS in {method for one in alike for method in one.rows}
