"""`python -m trials`: run what is not in the record yet, and add a row after each trial."""

from __future__ import annotations

import platform
import random
import shutil
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from pyarrow import parquet
from rich.console import Console

from coppice.api.base import decimal_text
from coppice.api.result import Result
from coppice.api.vocabulary import Method
from coppice.planning.configuration import network_of_config
from coppice.planning.epochs import most_epochs
from coppice.planning.network import Network, network_of
from demo.inputs.prepare import prepare
from devcluster.paths import cache_directory
from trials.models import MINILM, RECIPES, Recipe, registered
from trials.problems import NAMES, PROBLEMS, Problem
from trials.record import RECORD, Row, read, write, write_models
from trials.trial import Data, TrialError, run_trial

SEED = 7
TUNED = (Method.LINEAR_PROBE, Method.LORA, Method.FULL_FINE_TUNE)
LIBRARIES = ("torch", "transformers", "peft")
console = Console(highlight=False)


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Problems to run, of: {', '.join(NAMES)}.")] = None,
    again: Annotated[bool, typer.Option(help="Run also what the record holds already.")] = False,
) -> None:
    """Run every method on every problem with the real trainer and keep what came out, in dev/evaluation/trials.csv.

    The whole of it takes about an hour on one core. A trial that the record holds is not run again.
    """
    inputs = prepare().directory
    home = cache_directory() / "trials"
    models = _base_models(home, inputs)
    write_models([registered(name, models[name], _recipe(name)) for name in models])
    rows = {row.key: row for row in read()}
    for problem in PROBLEMS:
        if only and problem.name not in only:
            continue
        data = _data(home, inputs, problem)
        for method, base in _plans(problem, models):
            key = (problem.name, method.value, base)
            if key in rows and not again:
                continue
            row = _row(home, problem, data, method, base, models)
            if row is not None:
                rows[row.key] = row
                write(rows.values())
    console.print(f"{len(rows)} trials in {RECORD}")


def _plans(problem: Problem, models: dict[str, Path]) -> Iterator[tuple[Method, str]]:
    """Every method on every base model that reads such data, and the plan from scratch."""
    for name in models:
        recipe = _recipe(name)
        task = recipe.task if recipe else "text-classification"
        if task != problem.task:
            continue
        convolutional = recipe is not None and recipe.config["model_type"] == "resnet"
        knows_the_labels = recipe is not None and recipe.corpus == problem.corpus
        if knows_the_labels:
            # It was trained on this very data: as it is it answers, and tuning it would judge it by what it has seen.
            yield Method.AS_IS, name
            continue
        for method in TUNED:
            if not (convolutional and method is Method.LORA):
                yield method, name
    yield Method.FROM_SCRATCH, ""


def _row(home: Path, problem: Problem, data: Data, method: Method, base: str, models: dict[str, Path]) -> Row | None:
    examples = parquet.read_metadata(data.directory / "train.parquet").num_rows
    settings: dict[str, Any] = {"max_sequence_length": 64} if problem.is_text else {}
    if method in {Method.LORA, Method.FULL_FINE_TUNE}:
        settings["epochs"] = most_epochs(problem.job(examples=examples).spec, method)
    scratch: dict[str, Any] | None = None
    directory = models[base] if base else None
    if method is Method.FROM_SCRATCH:
        scratch = {"config": dict(problem.config), "epochs": problem.epochs}
        directory = models[MINILM] if problem.is_text else None
    started = time.monotonic()
    try:
        result, _ = run_trial(
            home / "run",
            data,
            method,
            base=directory,
            from_scratch=scratch,
            target=problem.target,
            hyperparameters=settings,
        )
    except TrialError as error:
        console.print(f"{problem.name} {method} {base}: no result\n{error}", style="red")
        return None
    row = _figures(problem, method, base, examples, result, _network(problem, base, models))
    console.print(
        f"{problem.name:16} {method:13} {base:20} quality {row.quality} of {row.target}, {row.cpu_seconds} CPU s, "
        f"{row.epochs} epochs ({row.stopped}), took {time.monotonic() - started:.0f} s"
    )
    return row


def _figures(problem: Problem, method: Method, base: str, examples: int, result: Result, network: Network) -> Row:
    assert result.quality is not None
    return Row(
        problem=problem.name,
        method=method.value,
        base_model=base,
        examples=examples,
        target=problem.target,
        quality=decimal_text(result.quality),
        standard_error=decimal_text(result.standard_error) if result.standard_error is not None else "",
        met=str(float(result.quality) >= float(problem.target)).lower(),
        epochs=decimal_text(result.epochs) if result.epochs is not None else "",
        steps=result.steps,
        stopped=str(result.stopped or ""),
        run_seconds=decimal_text(result.run_seconds) if result.run_seconds is not None else "",
        cpu_seconds=decimal_text(result.cpu_seconds) if result.cpu_seconds is not None else "",
        counted_teraflop=decimal_text(result.counted_teraflop) if result.counted_teraflop is not None else "",
        tokens_seen=result.tokens_seen,
        peak_memory_bytes=str(result.peak_memory_bytes or ""),
        family=network.family,
        parameters=network.parameters,
        matrix_parameters=network.matrix_parameters,
        hidden_size=str(network.hidden_size or ""),
        layers=str(network.layers or ""),
        machine=_machine(),
        software=", ".join((*(f"{name} {version(name)}" for name in LIBRARIES), f"Python {platform.python_version()}")),
    )


def _network(problem: Problem, base: str, models: dict[str, Path]) -> Network:
    if base:
        return network_of(registered(base, models[base], _recipe(base)).spec.architecture)
    network = network_of_config(problem.config, problem.labels)
    assert network is not None
    return network


def _base_models(home: Path, inputs: Path) -> dict[str, Path]:
    """The directory of each base model; those made here are made once."""
    models = {MINILM: inputs / "models" / MINILM}
    for recipe in RECIPES:
        models[recipe.name] = home / "models" / recipe.name
        if not (models[recipe.name] / "config.json").exists():
            _make(recipe, home, inputs, models)
    return models


def _make(recipe: Recipe, home: Path, inputs: Path, models: dict[str, Path]) -> None:
    is_text = recipe.task == "text-classification"
    columns = {"text": "text", "label": "label"} if is_text else {"image": "pixels", "label": "label"}
    data = Data(inputs / "corpora" / recipe.corpus, columns, recipe.task)
    result, made = run_trial(
        home / "run",
        data,
        Method.FROM_SCRATCH,
        base=models[MINILM] if is_text else None,
        from_scratch={"config": dict(recipe.config), "epochs": recipe.epochs},
        target=None,
        hyperparameters={"max_sequence_length": 64} if is_text else {},
    )
    shutil.copytree(made, models[recipe.name])
    console.print(
        f"base model {recipe.name}: quality {result.quality} on its own test part, {result.cpu_seconds} CPU s"
    )


def _data(home: Path, inputs: Path, problem: Problem) -> Data:
    """The problem's part of its corpus, drawn by seed; the test part is always whole."""
    directory = home / "data" / problem.name
    directory.mkdir(parents=True, exist_ok=True)
    corpus = inputs / "corpora" / problem.corpus
    table = parquet.read_table(corpus / "train.parquet")
    if table.num_rows > problem.most:
        drawn = random.Random(SEED).sample(range(table.num_rows), problem.most)  # noqa: S311 - repeatable, not secret
        table = table.take(pa.array(sorted(drawn)))
    parquet.write_table(table, directory / "train.parquet")
    shutil.copyfile(corpus / "test.parquet", directory / "test.parquet")
    return Data(directory, problem.columns, problem.task)


def _recipe(name: str) -> Recipe | None:
    return next((recipe for recipe in RECIPES if recipe.name == name), None)


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"one core of {model}"


if __name__ == "__main__":
    typer.run(main)
