"""The end of the demo on the screen: tables, Prometheus's answers, where the time went, what to look at next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from demo import prometheus, summary
from demo.installation import SYSTEM_NAMESPACE
from demo.manifests import NAMESPACE
from demo.objects import Objects
from demo.stages import Outcome
from devcluster.cluster import Cluster
from devcluster.progress import duration

MAIN_JOB, CONTROL = "newswire-topics", "newswire-topics-control"

LEAST_WIDTH = 110

NEXT = (
    ("turn your shell to this cluster", 'eval "$(.venv/bin/python -m devcluster env)"'),
    ("the jobs, with why and quality", f"kubectl get trainingjobs -n {NAMESPACE} -o wide"),
    ("one job in full", f"kubectl describe trainingjob {MAIN_JOB} -n {NAMESPACE}"),
    ("why this plan and no other", f"kubectl coppice explain {MAIN_JOB} -n {NAMESPACE}"),
    ("the same decision, nothing written", "kubectl coppice plan -f examples/demo/31-newswire-topics.yaml"),
    ("every base model and why it is not ready", "kubectl get clusterbasemodels,basemodels -A -o wide"),
    ("the account that outlives the job", f"kubectl get trainingreports -n {NAMESPACE}"),
    ("what the operator says", f"kubectl logs -n {SYSTEM_NAMESPACE} deployment/coppice --tail=20"),
    ("take the cluster down", "make cluster-down"),
)


def console_of(width: int = LEAST_WIDTH) -> Console:
    """Standard output; a pipe or a file gets lines wide enough for the tables."""
    console = Console(highlight=False)
    return console if console.is_terminal and console.width >= width else Console(highlight=False, width=width)


def show(
    console: Console, cluster: Cluster, outcome: Outcome, taken: Sequence[tuple[str, float]], seconds: float
) -> None:
    """Everything there is to see; each figure was read from the cluster."""
    jobs = {job.name: job for job in outcome.jobs}
    console.print()
    console.print(summary.decisions(outcome.jobs))
    _lines(console, "Base models that were not used, by reason", [summary.rejections(job) for job in outcome.jobs])
    console.print(summary.costs(outcome.jobs))
    if MAIN_JOB in jobs and CONTROL in jobs:
        console.print(summary.comparison(jobs[CONTROL], jobs[MAIN_JOB]))
    console.print(summary.savings(outcome.jobs))
    _kubectl(console, cluster, "get", "trainingjobs", "-A")
    _prometheus(console, cluster)
    console.print(times(taken, seconds))
    _lines(console, "What to look at next", [f"{command}  # {what}" for what, command in NEXT])


def times(taken: Sequence[tuple[str, float]], seconds: float) -> Table:
    """How long each step took; steps that ran beside others overlap, so the sum is more than the whole."""
    table = Table("step", "took", title="Where the time went", title_justify="left")
    for title, step_seconds in taken:
        table.add_row(title, duration(step_seconds))
    table.add_section()
    table.add_row("in all", duration(seconds))
    return table


def _lines(console: Console, title: str, lines: Sequence[str]) -> None:
    console.print(f"\n{title}", style="bold")
    for line in lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print()


def _kubectl(console: Console, cluster: Cluster, *arguments: str) -> None:
    console.print(f"\n$ kubectl {' '.join(arguments)}", style="bold")
    console.print(Objects(cluster).shown(*arguments), markup=False, soft_wrap=True)


def _prometheus(console: Console, cluster: Cluster) -> None:
    url = cluster.prometheus_url
    if url is None:
        console.print("\nThis provider starts no Prometheus, so its answers are left out.")
        return
    prometheus.wait_for_scrape(url)
    answers = [summary.answer(question, prometheus.ask(url, question.expression)) for question in prometheus.QUESTIONS]
    _lines(console, f"What Prometheus at {url} answers", [line for text in answers for line in text.splitlines()])
