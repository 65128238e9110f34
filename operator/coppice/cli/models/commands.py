"""`coppice models import|list|show|check|pin`."""

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from coppice.adapters.registries.repository import RegistryError
from coppice.api.basemodel import BaseModelObject
from coppice.cli.documents import bodies, strictly
from coppice.cli.errors import UsageError
from coppice.cli.models import cluster
from coppice.cli.models.checking import Finding, duplicates, findings
from coppice.cli.models.describing import Described, describe
from coppice.cli.models.pinning import Pinned, pin, values_of
from coppice.cli.models.printing import Format, manifest, text_of, write
from coppice.cli.models.showing import model_table, models_table
from coppice.cli.models.sources import hub_source, opened
from coppice.cli.screen import said, screen

Answer = TypeVar("Answer")
WIDE = 240
"""Characters of a line that nobody has to fit on a screen."""

app = typer.Typer(
    name="models",
    help="Register base models and keep the registration honest: files pinned, licence known, figures sourced.",
    no_args_is_help=True,
)

Kubeconfig = Annotated[str | None, typer.Option(help="kubeconfig file; unset: KUBECONFIG, then ~/.kube/config.")]
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace of BaseModels.")]
Endpoint = Annotated[
    str | None, typer.Option(help="Address of the hub or the MLflow server. Unset: HF_ENDPOINT, MLFLOW_TRACKING_URI.")
]
CatalogueOption = Annotated[
    list[Path] | None, typer.Option(help="Directory or file of manifests: no cluster is asked.")
]
FormatOption = Annotated[Format, typer.Option("--output", "-o", help="table for people; json or yaml: manifests.")]


class Kind(StrEnum):
    """Where a model is registered."""

    CLUSTER = "ClusterBaseModel"
    NAMESPACED = "BaseModel"


@app.command("import")
def import_(
    source: Annotated[
        str, typer.Argument(help="owner/name on the hub, a directory, or models:/NAME/VERSION (MLflow).")
    ],
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub; recorded as the commit.")] = "main",
    name: Annotated[str | None, typer.Option(help="Name of the object. Unset: the source's.")] = None,
    kind: Annotated[Kind, typer.Option(help="For every namespace or for one.")] = Kind.CLUSTER,
    namespace: Namespace = None,
    license_: Annotated[str, typer.Option("--license", help="SPDX expression, where the card is silent.")] = "",
    source_uri: Annotated[str, typer.Option(help="Where jobs find the files. Unset: where they were read.")] = "",
    endpoint: Endpoint = None,
    file: Annotated[Path | None, typer.Option("--write", "-w", help="File to write. Unset: standard output.")] = None,
    output: Annotated[Format, typer.Option("--output", "-o", help="yaml or json.")] = Format.YAML,
) -> None:
    """Describe a model as a manifest, from its card, its configuration and the headers of its weights.

    No weights are downloaded. Tokens come from the environment: HF_TOKEN, MLFLOW_TRACKING_TOKEN.
    """
    described = _ask(_described(source, revision, endpoint, source_uri, license_))
    where = (namespace or "default") if kind is Kind.NAMESPACED else None
    body = manifest(kind.value, name or described.name, where, described.spec)
    if kind is Kind.CLUSTER and described.spec.source.uri.startswith("pvc://"):
        raise UsageError("a ClusterBaseModel cannot use pvc://: add --kind BaseModel and --namespace")
    model = strictly(cluster.KINDS[kind.value], body, source)
    write(text_of([body], output), file)
    for text in described.remarks:
        _told(said("look at", text))
    for finding in findings(model):
        if finding.error:
            _told(said("not usable yet", finding.sentence))


@app.command("list")
def list_(
    catalogue: CatalogueOption = None,
    namespace: Namespace = None,
    output: FormatOption = Format.TABLE,
    kubeconfig: Kubeconfig = None,
) -> None:
    """List registered models, from the cluster or from manifests."""
    found = _registered(catalogue, namespace, kubeconfig)
    if output is Format.TABLE:
        _screen().print(models_table([model for model, _ in found]))
    else:
        write(text_of([body for _, body in found], output), None)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the model.")],
    catalogue: CatalogueOption = None,
    namespace: Namespace = None,
    output: FormatOption = Format.TABLE,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Show a model: figures with their sources, files with their digests. Of one name a catalogue may hold several."""
    found = _named(name, catalogue, namespace, kubeconfig)
    if output is Format.TABLE:
        for model, _ in found:
            _screen().print(model_table(model))
    else:
        write(text_of([body for _, body in found], output), None)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Names of models. Unset: all.")] = None,
    catalogue: CatalogueOption = None,
    namespace: Namespace = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail for warnings too.")] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Ask the models' hubs too: files there, digests and sizes as recorded.")
    ] = False,
    endpoint: Endpoint = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Check registrations: pinned files, known licence, sources, limits told. Exit code 1 where one fails."""
    registered = _registered(catalogue, namespace, kubeconfig)
    known = [model for model, _ in registered]
    missing = [name for name in names or () if name not in {model.metadata.name for model in known}]
    if missing:
        raise UsageError(f"there is no model {', '.join(missing)}; `coppice models list` shows all")
    wanted = [model for model in known if not names or model.metadata.name in names]
    found = [finding for model in wanted for finding in findings(model)]
    found += [finding for finding in duplicates(known) if not names or finding.model in names]
    if compare:
        found += [item for model, body in registered if model in wanted for item in _compared(body, endpoint)]
    for finding in found:
        print(_line(finding))
    errors = sum(finding.error for finding in found)
    print(f"{len(wanted)} models: {errors} errors, {len(found) - errors} warnings")
    if errors or (strict and found):
        raise typer.Exit(1)


@app.command("pin")
def pin_(
    model: Annotated[str, typer.Argument(help="Manifest file, or with --cluster the name of a model.")],
    source: Annotated[
        str | None, typer.Option("--from", help="Directory, repository or models:/… with the files. Unset: its source.")
    ] = None,
    in_cluster: Annotated[bool, typer.Option("--cluster", help="Record them in the cluster's object.")] = False,
    file: Annotated[Path | None, typer.Option("--write", "-w", help="File to write. Unset: standard output.")] = None,
    read_weights: Annotated[
        bool, typer.Option("--read-weights", help="Read weights to their end where no registry states their digest.")
    ] = False,
    values: Annotated[bool, typer.Option("--values", help="Print the chart's catalogue.pins, not manifests.")] = False,
    endpoint: Endpoint = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Record missing digests and sizes, and the commit in place of a branch. What is recorded is never replaced.

    Digests of large files come from the registry's own records; small files are read. A directory is read whole.
    """
    if in_cluster:
        body = _ask(cluster.find_model(kubeconfig, namespace, model))
        done = _ask(_pinned(body, source, endpoint, read_weights))
        _ask(cluster.replace_model(kubeconfig, done.body))
        found = [done]
    else:
        found = [_ask(_pinned(body, source, endpoint, read_weights)) for body in _manifests(Path(model))]
        write(values_of(found) if values else text_of([each.body for each in found], Format.YAML), file)
    for each in found:
        name = each.body["metadata"]["name"]
        _told(f"{name}: {len(each.recorded)} digests recorded")
        for missing in each.unpinned:
            _told(said(name, f"{missing} has no digest yet; --read-weights or --from DIRECTORY reads it"))
    if any(each.unpinned for each in found):
        raise typer.Exit(1)


async def _described(source: str, revision: str, endpoint: str | None, uri: str, license_: str) -> Described:
    async with opened(source, revision, endpoint) as repository:
        return await describe(repository, uri=uri, license_expression=license_, today=datetime.now(UTC).date())


async def _pinned(body: dict[str, Any], source: str | None, endpoint: str | None, read_weights: bool) -> Pinned:
    model = _leniently(body)
    host, revision, place = None, "main", hub_source(model.spec)
    if place is not None:
        host, name, revision = place
        source = source or name
    if source is None:
        raise UsageError(
            f"{model.metadata.name} comes from {model.spec.source.uri}: name its files with --from DIRECTORY"
        )
    async with opened(source, revision, endpoint, registered_at=host) as repository:
        local = not repository.facts.page
        return await pin(body, model, repository, read_weights=read_weights or local)


def _compared(body: dict[str, Any], endpoint: str | None) -> list[Finding]:
    """What differs between a registration and the hub it names; a model from elsewhere cannot be compared."""
    model = _leniently(body)
    if hub_source(model.spec) is None:
        return [Finding(model.metadata.name, False, f"{model.spec.source.uri} is on no hub, so it was not compared")]
    try:
        _ask(_pinned(body, None, endpoint, read_weights=False))
    except UsageError as error:
        return [Finding(model.metadata.name, True, str(error))]
    return []


def _strictly(body: dict[str, Any]) -> BaseModelObject:
    """A manifest, in which a misspelt field is an error."""
    return strictly(cluster.KINDS[body["kind"]], body, "the catalogue")


def _leniently(body: dict[str, Any]) -> BaseModelObject:
    """An object that the API server checked, perhaps by a newer schema."""
    return cluster.KINDS[body["kind"]].model_validate(body)


def _registered(
    catalogue: Sequence[Path] | None, namespace: str | None, kubeconfig: str | None
) -> list[tuple[BaseModelObject, dict[str, Any]]]:
    if catalogue:
        found = [body for path in catalogue for body in _manifests(path)]
    else:
        found = _ask(cluster.all_models(kubeconfig, namespace))
    read = _strictly if catalogue else _leniently
    models = [(read(body), body) for body in found]
    return [(model, body) for model, body in models if namespace in {None, model.metadata.namespace or namespace}]


def _named(
    name: str, catalogue: Sequence[Path] | None, namespace: str | None, kubeconfig: str | None
) -> list[tuple[BaseModelObject, dict[str, Any]]]:
    if not catalogue:
        body = _ask(cluster.find_model(kubeconfig, namespace, name))
        return [(_leniently(body), body)]
    found = [one for one in _registered(catalogue, namespace, kubeconfig) if one[0].metadata.name == name]
    if not found:
        raise UsageError(f"{', '.join(map(str, catalogue))} holds no model {name}")
    return found


def _manifests(path: Path) -> list[dict[str, Any]]:
    found = [body for body in bodies(path) if body.get("kind") in cluster.KINDS]
    if not found:
        raise UsageError(f"{path} holds no BaseModel and no ClusterBaseModel")
    return found


def _line(finding: Finding) -> str:
    return f"{'error' if finding.error else 'warning'}: {finding.model}: {finding.sentence}"


def _screen() -> Console:
    """The terminal; a pipe gets long lines and no line breaks."""
    found = screen()
    return found if found.is_terminal else screen(width=WIDE)


def _told(text: str | Text) -> None:
    screen(errors=True).print(text, soft_wrap=True, highlight=False)


def _ask(question: Coroutine[Any, Any, Answer]) -> Answer:
    """Run it; what a registry refused is a sentence for the user."""
    try:
        return asyncio.run(question)
    except RegistryError as error:
        raise UsageError(str(error)) from error
