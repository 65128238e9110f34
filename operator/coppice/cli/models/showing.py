"""Registered models as tables and as manifests."""

from collections.abc import Sequence

from rich.table import Table

from coppice.api.basemodel import BaseModelObject
from coppice.api.vocabulary import Distribution
from coppice.cli.figures import short
from coppice.planning.licenses import Use
from coppice.planning.obligations import chain_verdict
from coppice.planning.readiness import readiness

GIVING_AWAY = Use(commercial=False, distribution=Distribution.DISTRIBUTED)
"""The use that a licence asks most of and, where it forbids commerce, still allows."""


def models_table(models: Sequence[BaseModelObject]) -> Table:
    """One line a model, by name; tasks come last and are cut where the line is too short for them."""
    spaces = any(model.metadata.namespace for model in models)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (*(("namespace",) if spaces else ()), "name", "reads", "parameters", "license", "ready", "tasks"):
        right = heading == "parameters"
        table.add_column(heading, justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    for model in sorted(models, key=lambda each: (each.metadata.namespace or "", each.metadata.name)):
        spec = model.spec
        table.add_row(
            *((model.metadata.namespace or "-",) if spaces else ()),
            model.metadata.name,
            spec.modality,
            short(spec.architecture.parameters),
            spec.license,
            ready(model),
            ", ".join(spec.tasks),
        )
    return table


def model_table(model: BaseModelObject) -> Table:
    """One model, field by field."""
    spec, figures = model.spec, model.spec.architecture
    shape = figures.model_dump(by_alias=True, exclude_none=True, exclude={"family", "trust_remote_code"})
    rows: list[tuple[str, str]] = [
        ("name", model.metadata.name),
        ("namespace", model.metadata.namespace or ""),
        ("description", spec.description),
        ("ready", ready(model)),
        ("source", spec.source.uri),
        ("revision", spec.source.revision),
        ("license", spec.license),
        ("tasks", ", ".join(spec.tasks)),
        ("head", f"{spec.head} ({len(spec.head_labels)} classes)" if spec.head else ""),
        ("domains", ", ".join(spec.domains)),
        ("languages", ", ".join(spec.languages)),
        ("architecture", ", ".join([figures.family, *(f"{key} {value}" for key, value in shape.items())])),
        *(("limitation", text) for text in spec.limitations),
        *(("owes", f"{text} (where distributed)") for text in chain_verdict(spec, GIVING_AWAY).obligations),
        *(("owed by its job", text) for text in (spec.lineage.obligations if spec.lineage else ())),
        *(("evaluation", f"{each.metric} {each.value} on {each.dataset} ({each.task})") for each in spec.evaluations),
        *(("file", f"{file.name}  {file.digest or 'no digest'}") for file in spec.source.files),
        *(("reference", f"{each.url} ({each.retrieved}): {', '.join(each.fields)}") for each in spec.references),
    ]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for heading, text in rows:
        if text:
            table.add_row(heading, text)
    return table


def ready(model: BaseModelObject) -> str:
    """What its Ready condition says; of a manifest, what it would say."""
    for condition in model.status.conditions if model.status else ():
        if condition.type == "Ready":
            return "yes" if condition.status == "True" else condition.reason
    fit, reason, _ = readiness(model.spec, None)
    return "yes" if fit else str(reason)
