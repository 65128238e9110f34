"""Importing from a real MLflow server, which is installed into an environment of its own: it is large and not ours.

Run with `pytest tests/registry`; the first run downloads MLflow from the package index.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml
from typer.testing import CliRunner, Result

from coppice.cli.errors import UsageError
from coppice.cli.main import app
from devcluster.uv import needed_uv
from hub import safetensors

MLFLOW = "mlflow==3.17.2"
CACHE = Path(os.environ.get("COPPICE_TEST_CACHE", Path.home() / ".cache" / "coppice-tests"))
START_SECONDS = 120
WEIGHTS = safetensors({"encoder.weight": ("F32", [8, 4]), "embeddings.word_embeddings.weight": ("F32", [10, 4])})
CONFIG = json.dumps({"model_type": "bert", "hidden_size": 4, "num_hidden_layers": 2, "vocab_size": 10}).encode()
REGISTER = """
import sys, mlflow
from mlflow import MlflowClient
class Plain(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input
client, directory = MlflowClient(), sys.argv[1]
with mlflow.start_run() as run:
    mlflow.log_artifacts(directory, "model")
client.create_registered_model("topics", tags={"license": "apache-2.0"})
source, tags = f"runs:/{run.info.run_id}/model", {"task": "text-classification", "language": "en"}
version = client.create_model_version("topics", source=source, run_id=run.info.run_id, tags=tags)
client.set_registered_model_alias("topics", "champion", version.version)
with mlflow.start_run():
    mlflow.pyfunc.log_model(
        name="packed", python_model=Plain(), artifacts={"model": directory}, registered_model_name="packed"
    )
client.create_registered_model("elsewhere")
client.create_model_version("elsewhere", source="s3://bucket/model")
"""


@dataclass(frozen=True)
class Server:
    """A running server and the interpreter that has MLflow."""

    url: str
    python: Path


@pytest.fixture(scope="session")
def python() -> Path:
    """An interpreter with MLflow, kept between runs."""
    home = CACHE / MLFLOW.replace("==", "-")
    program = home / "bin" / "python"
    if not (home / "bin" / "mlflow").exists():
        uv = needed_uv()
        subprocess.run([uv, "venv", "--quiet", "--clear", home], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", program, MLFLOW], check=True)
    return program


@pytest.fixture(scope="session")
def server(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with three models registered."""
    root = tmp_path_factory.mktemp("mlflow")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{root}/store.db", "--artifacts-destination", root / "artifacts"]
    command = [python.parent / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *store]
    with (root / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=root)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/health", process)
        model = root / "model"
        model.mkdir()
        (model / "config.json").write_bytes(CONFIG)
        (model / "model.safetensors").write_bytes(WEIGHTS)
        (model / "tokenizer.json").write_bytes(b"{}")
        (root / "register.py").write_text(REGISTER)
        environment = {**os.environ, "MLFLOW_TRACKING_URI": url}
        subprocess.run([python, root / "register.py", model], check=True, env=environment, capture_output=True)
        yield Server(url, python)
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the MLflow server ended; see its log"
        try:
            with urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{url} did not answer within {START_SECONDS} s")


def run(server: Server, *arguments: str) -> Result:
    return CliRunner(env={"MLFLOW_TRACKING_URI": server.url, "COLUMNS": "200"}).invoke(app, ["models", *arguments])


def spec_of(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.exception
    spec: dict[str, object] = yaml.safe_load(result.stdout)["spec"]
    return spec


SOURCE = ("--source-uri", "https://models.acme.example/topics")


@pytest.mark.parametrize("name", ["models:/topics/1", "models:/topics@champion"])
def test_a_version_is_described_by_its_files_and_its_tags(server: Server, name: str) -> None:
    spec = spec_of(run(server, "import", name, *SOURCE))
    assert (spec["license"], spec["languages"], spec["tasks"][0]) == ("Apache-2.0", ["en"], "text-classification")  # type: ignore[index]
    assert spec["architecture"]["parameters"] == 72  # type: ignore[index]
    assert spec["source"]["revision"] == "version 1"  # type: ignore[index]


def test_a_model_inside_a_packed_one_is_found(server: Server) -> None:
    spec = spec_of(run(server, "import", "models:/packed/1", *SOURCE))
    names = [file["name"] for file in spec["source"]["files"]]  # type: ignore[index]
    assert names == ["config.json", "model.safetensors", "tokenizer.json"]


def test_small_files_are_pinned_and_weights_when_asked(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "topics.yaml"
    result = run(server, "import", "models:/topics/1", *SOURCE, "--write", str(path))
    assert "no digest yet" in result.stderr
    assert run(server, "pin", str(path), "--from", "models:/topics/1", "--write", str(path)).exit_code == 1
    assert run(server, "pin", str(path), "--from", "models:/topics/1", "--read-weights", "-w", str(path)).exit_code == 0
    files = {file["name"]: file for file in yaml.safe_load(path.read_text())["spec"]["source"]["files"]}
    assert files["model.safetensors"]["digest"] == f"sha256:{hashlib.sha256(WEIGHTS).hexdigest()}"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("models:/topics/9", "has no models:/topics/9"),
        ("models:/nobody@best", "has no models:/nobody@best"),
        ("models:/elsewhere/1", "lie at s3://bucket/model, which the MLflow server does not serve"),
        ("models:/topics", "write models:/NAME/VERSION"),
    ],
)
def test_what_cannot_be_read_is_told(server: Server, name: str, sentence: str) -> None:
    error = run(server, "import", name, *SOURCE).exception
    assert isinstance(error, UsageError)
    assert sentence in str(error)
