"""Options that several commands share, and how a value is printed for programs."""

import asyncio
import json
from collections.abc import Coroutine
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer
import yaml

Answer = TypeVar("Answer")

Kubeconfig = Annotated[str | None, typer.Option(help="kubeconfig file; unset: KUBECONFIG, then ~/.kube/config.")]
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace of the job.")]


class Output(StrEnum):
    """How a decision is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="table for people; json or yaml: the whole record.")
]


def dump(value: object, output: Output) -> None:
    """Print a value as JSON or as a YAML document."""
    if output is Output.JSON:
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        print(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, explicit_start=True), end="")


def ask(question: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of something that talks to the cluster."""
    return asyncio.run(question)
