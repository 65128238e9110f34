"""Twins: models that a decision cannot tell apart are looked at once, and nothing comes out otherwise."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bench.registry import jobs, models, profiles
from builders import make_job, make_model, make_policy, make_report
from coppice.api.decision import SpentRecord
from coppice.api.vocabulary import Method
from coppice.planning import decision, survey
from coppice.planning.catalogue import Catalogue, Registered
from coppice.planning.fit.ability import figures_are_known
from coppice.planning.fit.checks import METHOD_CHECKS, MODEL_CHECKS
from coppice.planning.request import Request
from coppice.planning.resolved import Resolved
from coppice.planning.world import World
from worlds import Case, make_intensity, tried

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODELS = list(models(150))
WORLD = World(Catalogue.of(MODELS), profiles(), lambda zone: make_intensity(zone=zone), "DE", Decimal("1.2"))
RULES = Resolved(hosts=("huggingface.co",))


def one_by_one(monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue) -> None:
    """From here on every model is looked at by itself."""
    everything = frozenset(model.key for model in catalogue)
    found = survey.survey
    monkeypatch.setattr(decision, "survey", lambda request, **_: found(request, singled_out=everything))


def decide(job: Any) -> Any:
    outcome = decision.decide(job, RULES, WORLD, spent=SpentRecord(), tried=(), now=NOW)
    return outcome.record if isinstance(outcome, decision.Refusal) else outcome


@pytest.mark.parametrize("seed", [1, 2])
def test_a_decision_is_the_same_bytes_as_when_every_model_is_looked_at(seed, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    wanted = list(jobs(2, seed))
    quick = [decide(job).canonical() for job in wanted]
    one_by_one(monkeypatch, WORLD.catalogue)
    assert quick == [decide(job).canonical() for job in wanted]


TWINS = [make_model(f"twin-{number:02}") for number in range(25)]
REPORT = make_report()
OTHER = make_model("other").architecture(parameters=50_000_000)
CASES = {
    "more twins than are shown": Case(make_job().scratch(), [*TWINS, OTHER]),
    "a twin that was tried": Case(make_job().scratch(), TWINS, tried=[tried("LinearProbe", "twin-03")]),
    "a twin that reports speak of": Case(make_job().scratch(), [make_model(), *TWINS], reports=[REPORT]),
    "a pinned twin": Case(make_job().scratch().base_models("twin-07"), TWINS),
    "twins with heads": Case(
        make_job().scratch(), [twin.head("text-classification", *map(str, range(8))) for twin in TWINS]
    ),
    "twins of other languages": Case(make_job().scratch(), [*TWINS, *(twin.languages("de") for twin in TWINS[:3])]),
    "a size that a policy forbids": Case(
        make_job().scratch(), [*TWINS, OTHER], policies=[make_policy().set("spec.maxParameters", 30_000_000)]
    ),
    "twins too large": Case(make_job().scratch().resources(memory="1Gi"), [*TWINS, OTHER]),
}


@pytest.mark.parametrize("name", CASES)
def test_twins_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    quick = case.decide()
    one_by_one(monkeypatch, case.world.catalogue)
    slow = case.decide()
    records = [one.record if isinstance(one, decision.Refusal) else one for one in (quick, slow)]
    assert records[0].canonical() == records[1].canonical()


class Watched:
    """A value that remembers which of its fields were read."""

    def __init__(self, value: Any, read: set[str], path: str) -> None:
        self.__dict__.update(_value=value, _read=read, _path=path)

    def __getattr__(self, name: str) -> Any:
        self._read.add(f"{self._path}{name}")
        found = getattr(self._value, name)
        return (
            Watched(found, self._read, f"{name}.") if name in {"architecture", "lineage", "source"} and found else found
        )


def reads(checks: Any, *arguments: Any) -> set[str]:
    """The fields of a model's spec that some checks read."""
    found: set[str] = set()
    request = Request(make_job().scratch().build(), RULES, WORLD)
    for model in MODELS[:40]:
        watched = Registered(model.reference, None, Watched(model.spec, found, ""), True)  # type: ignore[arg-type]
        for check in checks:
            if check is not figures_are_known:  # reads the whole architecture
                check(watched, *arguments, request)
    return found


def test_checks_of_a_model_read_nothing_that_its_kind_leaves_out() -> None:
    known = {"architecture", "architecture.trust_remote_code", "source", "source.files", "source.uri", "modality"}
    known |= {"languages", "excluded_domains", "license", "lineage", "lineage.base_license", "lineage.dataset_license"}
    known |= {"architecture.parameters"}
    assert reads(MODEL_CHECKS) <= known


def test_checks_of_a_method_read_nothing_that_its_kind_leaves_out() -> None:
    known = {"architecture", "architecture.family", "methods"}
    for method in (Method.AS_IS, Method.LORA):
        assert reads(METHOD_CHECKS, method) <= known
