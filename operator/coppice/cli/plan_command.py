"""`coppice plan`: the operator's decision before anything is applied, also for a pipeline that must not go on."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from coppice.api.decision import SpentRecord
from coppice.api.trainingjob import TrainingJob
from coppice.cli.beside import beside
from coppice.cli.documents import jobs, policy_spec
from coppice.cli.errors import UsageError
from coppice.cli.options import Kubeconfig, Namespace, Output, OutputOption, ask, dump
from coppice.cli.plan import decision_table, refusal_panel
from coppice.cli.planned import Expectation, Planned, exit_code
from coppice.cli.screen import said, screen
from coppice.cli.unlike import NotedCount, unlike
from coppice.cli.whatif import Changes
from coppice.cli.world import Catalogue, Installation, from_cluster, from_directories
from coppice.lifecycle.written import refused_as_written
from coppice.planning.decision import Refusal, decide
from coppice.planning.tokenizer import tokenizer_missing


def plan(
    file: Annotated[
        list[Path],
        typer.Option(
            "--file", "-f", help="Manifest or directory with TrainingJobs; - reads standard input. Repeatable."
        ),
    ],
    catalogue: Annotated[
        list[Path] | None,
        typer.Option(
            help="Directory or file of manifests (base models, profiles, policies, reports): no cluster is asked."
        ),
    ] = None,
    reports: Annotated[
        list[Path] | None, typer.Option(help="Directory or file of TrainingReports, beside --catalogue.")
    ] = None,
    output: OutputOption = Output.TABLE,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Decide again with this changed, and show both. Repeatable. zone, pue, profile, policy (a file), "
            "sufficientChance, minimumSaving, target, metric, mode, optimizeFor, methods, or a field of spec by its "
            "path, such as dataset.examples.",
        ),
    ] = None,
    expect: Annotated[
        Expectation | None,
        typer.Option(help="Exit with 0 only if every job's plan (with --what-if: the changed one) is this; see above."),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(help="Moment of the decision, UTC; unset: now. With it equal worlds print equal bytes."),
    ] = None,
    namespace: Namespace = None,
    zone: Annotated[str | None, typer.Option(help="Zone of the carbon intensity, for profiles that name none.")] = None,
    pue: Annotated[str | None, typer.Option(help="Power usage effectiveness, for profiles that state none.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="The default TrainingPolicy, or its spec, for namespaces that none selects.")
    ] = None,
    operator_namespace: Annotated[str, typer.Option(help="Where Coppice is installed.")] = "coppice-system",
    kubeconfig: Kubeconfig = None,
) -> None:
    """Print the decision the operator would make for a job. Nothing is written.

    Base models, profiles, policies and reports come from the cluster, or with --catalogue from manifests alone. Jobs
    are printed in the order of their files; -o json and yaml print one document for each: the decision record with
    job, verdict (Substituted, FromScratch, Refused), digest, and whatIf where something was changed.

    Exit codes with --expect: 0 every job is as expected, 3 some job would train from scratch, 4 some job would be
    refused, 5 some job would be substituted (and from-scratch was expected). Without it 0. 2 is a mistake in the
    command or a manifest.
    """
    wanted = [job for path in file for job in jobs(path, namespace)]
    world = _world(catalogue, reports, _installation(zone, pue, policy), kubeconfig, operator_namespace)
    moment = at.replace(tzinfo=at.tzinfo or UTC) if at else datetime.now(UTC)
    changes = Changes.of(what_if or ())
    verdicts = []
    for job in wanted:
        before = _planned(job, world, Changes({}), moment)
        after = _planned(job, world, changes, moment) if changes.values else None
        _show(before, after, changes, output)
        verdicts.append((after or before).verdict)
    if code := exit_code(verdicts, expect):
        raise typer.Exit(code)


def _planned(job: TrainingJob, catalogue: Catalogue, changes: Changes, now: datetime) -> Planned:
    changed = changes.job(job) if changes.values else job
    world = changes.world(catalogue.world(changed))
    resolved = changes.resolved(changed, catalogue)
    count = NotedCount(world.count) if world.count else None
    decided = partial(decide, changed, resolved, spent=SpentRecord(), tried=(), now=now)
    decision = refused_as_written(changed.spec, resolved, None) or decided(replace(world, count=count))
    uncounted = decided(replace(world, count=None)) if count and count.used else None
    rungs = () if isinstance(decision, Refusal) else decision.ladder
    waits = [tokenizer_missing(changed, rung, world.catalogue) for rung in rungs]
    return Planned(
        changed,
        decision,
        unlike(uncounted, catalogue.installation.sources),
        tuple(missing for missing in waits if missing),
    )


def _show(before: Planned, after: Planned | None, changes: Changes, output: Output) -> None:
    if output is not Output.TABLE:
        changed = {"whatIf": {"changes": dict(changes.values), **after.document()}} if after else {}
        dump({**before.document(), **changed}, output)
        return
    job, decision = before.job, before.decision
    screen().print(refusal_panel(job, decision) if isinstance(decision, Refusal) else decision_table(job, decision))
    for sentence in before.waits:
        screen().print(said("Training from scratch would wait", f"{sentence}."))
    for sentence in before.unlike:
        screen().print(said("Unlike the operator", f"{sentence}."))
    if after is not None:
        screen().print(beside(before, after, changes.values))


def _world(
    catalogue: list[Path] | None,
    reports: list[Path] | None,
    given: Installation | None,
    kubeconfig: str | None,
    operator_namespace: str,
) -> Catalogue:
    if reports and not catalogue:
        raise UsageError("--reports goes with --catalogue; without it reports come from the cluster")
    if catalogue:
        world = from_directories([*catalogue, *(reports or ())], given or Installation())
    else:
        world = ask(from_cluster(kubeconfig, operator_namespace, given))
    for missing in world.missing:
        screen(errors=True).print(said("not read", missing))
    return world


def _installation(zone: str | None, pue: str | None, policy: Path | None) -> Installation | None:
    if zone is None and pue is None and policy is None:
        return None
    base = Installation()
    return Installation(
        zone=zone if zone is not None else base.zone,
        pue=_number(pue) if pue is not None else base.pue,
        default_policy=policy_spec(policy, f"--policy {policy}") if policy else base.default_policy,
    )


def _number(text: str) -> Decimal:
    try:
        pue = Decimal(text)
    except InvalidOperation as error:
        raise UsageError(f"--pue {text}: must be a number such as 1.2") from error
    if pue < 1:
        raise UsageError(f"--pue {text}: a facility uses no less than its computers: at least 1")
    return pue
