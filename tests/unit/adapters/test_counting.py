"""Unknown networks: what the trainer's count becomes for planning, and what happens where nothing can be counted."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from builders import make_job, make_model
from coppice.adapters import counting
from coppice.api.count import NetworkCount
from coppice.api.vocabulary import Method
from coppice.planning.candidate import Candidate
from coppice.planning.counterfactual import scratch_candidate
from coppice.planning.passes import training_flops
from worlds import Case

UNKNOWN = make_job().scratch(model_type="fnet", hidden_size=256)
COUNT = NetworkCount(
    family="fnet",
    parameters=10_000_000,
    embedding_parameters=8_000_000,
    layers=4,
    hidden_size=256,
    tokens=110,
    forward_flops=500_000_000,
    training_flops=1_500_000_000,
    kept_elements=4_000_000,
    flop_method="flop-counter on meta tensors, forward and backward",
)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    counting._counted.cache_clear()
    yield
    counting._counted.cache_clear()


def answering(monkeypatch: pytest.MonkeyPatch, stdout: str, returncode: int = 0) -> list[Any]:
    """The trainer's process answers so; what it was started with is returned."""
    started: list[Any] = []

    def run(command: list[str], **named: Any) -> subprocess.CompletedProcess[str]:
        started.append((command, named["input"]))
        return subprocess.CompletedProcess(command, returncode, stdout, "")

    monkeypatch.setattr(counting.subprocess, "run", run)
    return started


def test_a_count_becomes_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    started = answering(monkeypatch, "a warning of some library\n" + COUNT.model_dump_json(by_alias=True) + "\n")
    network = counting.count_network(UNKNOWN.build().spec)
    assert network is not None
    assert (network.family, network.forward_flops(110), network.tokens(4000)) == ("fnet", 5e8, 110)
    assert training_flops(network, Method.FROM_SCRATCH, 110) == 1.5e9
    [(command, config)] = started
    assert command[1:4] == ["-m", "coppice.trainer", "count"]
    assert command[-4:] == ["--labels", "8", "--tokens", "110"]
    assert '"model_type": "fnet"' in config


def test_the_same_plan_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started = answering(monkeypatch, COUNT.model_dump_json(by_alias=True))
    for _ in range(3):
        counting.count_network(UNKNOWN.build().spec)
    assert len(started) == 1


@pytest.mark.parametrize(("stdout", "returncode"), [("", 65), ("no figures", 0), ('{"family": "fnet"}', 0)])
def test_what_cannot_be_counted_stays_unknown(monkeypatch: pytest.MonkeyPatch, stdout: str, returncode: int) -> None:
    answering(monkeypatch, stdout, returncode)
    assert counting.count_network(UNKNOWN.build().spec) is None


def test_a_counted_plan_is_declared_and_an_uncounted_one_assumed() -> None:
    case = Case(UNKNOWN, [make_model()])
    counted = replace(case.request, world=replace(case.world, count=lambda _: counting.network_of_count(COUNT)))
    plans = [scratch_candidate(request) for request in (case.request, counted)]
    assert [plan.assumed for plan in plans if isinstance(plan, Candidate)] == [True, False]


def test_a_known_family_is_never_counted() -> None:
    def refuse(_: object) -> None:
        raise AssertionError

    case = Case(make_job().scratch(), [make_model()])
    request = replace(case.request, world=replace(case.world, count=refuse))
    assert request.declared_network is not None
