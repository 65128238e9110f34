"""`coppice models` against a real API server: what it lists, shows, checks and pins there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from coppice.cli.errors import UsageError
from coppice.cli.main import app
from devcluster.controlplane import ControlPlane
from hub import safetensors

WEIGHTS = safetensors({"encoder.weight": ("F32", [8, 4])})


@pytest.fixture
def registered(control_plane: ControlPlane, kinds: None, namespace: str, tmp_path: Path) -> Path:
    """A directory with a model that is registered, unpinned, in the namespace."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 4, "num_hidden_layers": 2}))
    (model / "model.safetensors").write_bytes(WEIGHTS)
    arguments = ["--source-uri", "pvc://models/tiny", "--kind", "BaseModel", "-n", namespace, "--license", "MIT"]
    body = yaml.safe_load(run(control_plane, "import", str(model), "--name", "tiny", *arguments).stdout)
    for file in body["spec"]["source"]["files"]:
        file.pop("digest", None)
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(body))
    control_plane.kubectl("apply", "-f", str(path))
    return model


def run(cluster: ControlPlane, *arguments: str) -> Result:
    reaching = () if arguments[0] == "import" else ("--kubeconfig", str(cluster.kubeconfig))
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["models", *arguments, *reaching])


def test_a_registered_model_is_listed_shown_and_found_wanting(
    control_plane: ControlPlane, namespace: str, registered: Path
) -> None:
    assert "tiny" in run(control_plane, "list", "-n", namespace).output
    shown = run(control_plane, "show", "tiny", "-n", namespace)
    assert "no digest" in shown.output, shown.exception
    checked = run(control_plane, "check", "tiny", "-n", namespace)
    assert (checked.exit_code, "without digest" in checked.output) == (1, True)


def test_pinning_writes_the_digests_of_a_directory_into_the_cluster(
    control_plane: ControlPlane, namespace: str, registered: Path
) -> None:
    pinned = run(control_plane, "pin", "tiny", "--cluster", "-n", namespace, "--from", str(registered))
    assert pinned.exit_code == 0, pinned.exception
    assert run(control_plane, "check", "tiny", "-n", namespace).exit_code == 0
    body = yaml.safe_load(run(control_plane, "show", "tiny", "-n", namespace, "-o", "yaml").stdout)
    assert all(file["digest"].startswith("sha256:") for file in body["spec"]["source"]["files"])


def test_a_model_that_is_not_there_is_told(control_plane: ControlPlane, kinds: None, namespace: str) -> None:
    error = run(control_plane, "show", "nobody", "-n", namespace).exception
    assert isinstance(error, UsageError)
    assert "no BaseModel nobody" in str(error)
