"""`coppice`, also as `kubectl coppice`: plan before you train, explain what was decided, retry what failed."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from coppice.api.decision import DecisionRecord
from coppice.cli.approve import approve
from coppice.cli.errors import UsageError
from coppice.cli.estimate import estimate
from coppice.cli.explain import explanation
from coppice.cli.history import decision_of, find_job, retried
from coppice.cli.models.commands import app as models_app
from coppice.cli.options import Kubeconfig, Namespace, Output, OutputOption, ask, dump
from coppice.cli.plan_command import plan
from coppice.cli.report import recompute, report
from coppice.cli.screen import said, screen
from coppice.planning.replay import differences
from coppice.ports import ClusterError

PROGRAM = "kubectl coppice" if Path(sys.argv[0]).name.startswith("kubectl") else "coppice"

app = typer.Typer(
    name=PROGRAM,
    help="Train less: see what a base model would save before anything is trained, and what it saved after.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(models_app)

app.command()(plan)
app.command()(estimate)


@app.command()
def explain(
    job: Annotated[str, typer.Argument(help="Name of the TrainingJob.")],
    output: OutputOption = Output.TABLE,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Choose again from the decision's record; exit 1 where it comes out otherwise."),
    ] = False,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Explain what was decided for a job, what ran, and what came out."""
    body, reports = ask(find_job(kubeconfig, namespace, job))
    record = decision_of(body, reports)
    if record is None and (replay or output is not Output.TABLE):
        raise UsageError(f"TrainingJob {job} has no decision yet; see kubectl describe trainingjob {job}")
    if replay and record is not None:
        _replayed(record)
    elif record is not None and output is not Output.TABLE:
        dump(record.wire(), output)
    else:
        screen().print(explanation(body, record, reports))


def _replayed(record: DecisionRecord) -> None:
    """Say whether the record's figures lead to its ladder again."""
    if changed := differences(record):
        screen().print(said("replayed otherwise", f"{', '.join(changed)} differ from what the record's figures give"))
        raise typer.Exit(1)
    screen().print(f"replayed: the same ladder, reason and digest ({record.digest})", highlight=False)


@app.command()
def retry(
    job: Annotated[str, typer.Argument(help="Name of a finished TrainingJob.")],
    name: Annotated[str | None, typer.Option(help="Name of the new job. Unset: the old one's with a number.")] = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Create a new job from a finished one's spec; the old one, its report and its account stay."""
    created = ask(retried(kubeconfig, namespace, job, name))
    metadata = created["metadata"]
    screen().print(f"trainingjob/{metadata['name']} created in {metadata['namespace']}, decided afresh")


app.command()(approve)
app.command()(report)
app.command()(recompute)


def main() -> None:
    """Run the command line; what a user can mend is a sentence and exit code 2, never a traceback."""
    try:
        app()
    except (UsageError, ClusterError) as error:
        screen(errors=True).print(said("error", str(error)))
        raise SystemExit(2) from error


__all__ = ["app", "main"]
