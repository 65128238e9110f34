"""A plan that knows something else than the operator says so: live carbon intensity, and networks that torch counts."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from builders import JobBuilder, make_job, make_model, make_profile
from coppice.cli import world
from coppice.cli.main import app
from coppice.cli.unlike import unlike
from coppice.planning.network import Network

NETWORK = Network(family="fnet", parameters=10_000_000, layers=4, hidden_size=256)
JOB = make_job().methods("LinearProbe")
PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}


def planned(directory: Path, job: JobBuilder, form: str = "json", *more: str) -> Any:
    bodies = [make_profile().body(), make_model().body(), job.body()]
    for body in bodies:
        body["metadata"] = {"name": body["metadata"]["name"]}
    (directory / "world.yaml").write_text(yaml.safe_dump_all(bodies))
    flags = ["plan", "-f", str(directory), "--catalogue", str(directory), "-o", form, *more]
    return CliRunner(env={"COLUMNS": "220"}).invoke(app, flags)


@pytest.fixture
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer's libraries are installed, and count any network."""
    monkeypatch.setattr(world, "can_count", lambda: True)
    monkeypatch.setattr(world, "count_network", lambda spec: NETWORK)


@pytest.mark.usefixtures("_torch")
def test_a_network_that_torch_counted_is_told_with_what_the_operator_would_decide(tmp_path: Path) -> None:
    found = json.loads(planned(tmp_path, JOB.scratch(model_type="fnet", hidden_size=256)).stdout)
    assert found["counterfactual"]["basis"] == "Declared"
    [said] = found["unlike"]
    assert "torch counted the network of fromScratch.config here" in said
    assert said.endswith("against an assumed plan from scratch")


@pytest.mark.usefixtures("_torch")
def test_people_are_told_below_the_table(tmp_path: Path) -> None:
    found = planned(tmp_path, JOB.scratch(model_type="fnet", hidden_size=256), "table").stdout
    assert "Unlike the operator: torch counted" in found


@pytest.mark.usefixtures("_torch")
def test_a_known_network_is_counted_nowhere_and_nothing_is_told(tmp_path: Path) -> None:
    assert "unlike" not in json.loads(planned(tmp_path, JOB.scratch(epochs=30, **PLAN)).stdout)


def test_live_sources_of_the_installation_are_told() -> None:
    sources = {"refreshSeconds": 300, "providers": [{"type": "ElectricityMaps"}, {"type": "NESO"}]}
    settings = {"policy.yaml": "{}", "intensity-sources.yaml": yaml.safe_dump(sources)}
    [said] = unlike(None, world.installed(settings).sources)
    assert "shipped table; the operator asks ElectricityMaps, NESO first" in said
    assert unlike(None, world.installed({"policy.yaml": "{}"}).sources) == ()


def test_a_tokenizer_that_nobody_registered_is_told_with_what_would_wait_for_it(tmp_path: Path) -> None:
    job = JOB.scratch(epochs=30, **PLAN).set("spec.fromScratch.tokenizerFrom", {"name": "house-words"})
    [said] = json.loads(planned(tmp_path, job).stdout)["waits"]
    assert said == "register ClusterBaseModel house-words (spec.fromScratch.tokenizerFrom)"
    assert f"Training from scratch would wait: {said}." in planned(tmp_path, job, "table").stdout
    assert f"to {said}" in planned(tmp_path, job, "table", "--what-if", "mode=Never").stdout.replace("\n", " ")
    registered = JOB.scratch(epochs=30, **PLAN).set("spec.fromScratch.tokenizerFrom", {"name": "all-minilm-l6-v2"})
    assert "waits" not in json.loads(planned(tmp_path, registered).stdout)
