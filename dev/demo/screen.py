"""The end of the demo on the screen: tables, Prometheus's answers, where the time went, what to look at next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from demo import prometheus, summary
from demo.figures import Figures
from demo.installation import NO_PROMETHEUS, SYSTEM_NAMESPACE
from demo.manifests import NAMESPACE
from demo.objects import Objects
from demo.stages import Outcome
from devcluster.cluster import Cluster
from devcluster.progress import duration

MAIN_JOB, CONTROL = "newswire-topics", "newswire-topics-control"

NEXT = (
    ("turn your shell to this cluster", 'eval "$(python -m devcluster env)"'),
    ("the jobs, with why and quality", f"kubectl get trainingjobs -n {NAMESPACE} -o wide"),
    ("one job in full", f"kubectl describe trainingjob {MAIN_JOB} -n {NAMESPACE}"),
    ("why this plan and no other", f"kubectl coppice explain {MAIN_JOB} -n {NAMESPACE}"),
    ("the same decision, nothing written", "kubectl coppice plan -f examples/demo/22-newswire-topics.yaml"),
    ("every base model and why it is not ready", "kubectl get clusterbasemodels,basemodels -A -o wide"),
    ("the account that outlives the job", f"kubectl get trainingreports -n {NAMESPACE}"),
    ("what the operator says", f"kubectl logs -n {SYSTEM_NAMESPACE} deployment/coppice --tail=20"),
    ("take the cluster down", "python -m devcluster down"),
)


def show(
    console: Console, cluster: Cluster, outcome: Outcome, taken: Sequence[tuple[str, float]], seconds: float
) -> None:
    """Everything there is to see; each figure was read from the cluster."""
    jobs = {job.name: job for job in outcome.jobs}
    console.print()
    console.print(summary.decisions(outcome.jobs))
    _rejections(console, outcome.jobs)
    console.print(summary.costs(outcome.jobs))
    if MAIN_JOB in jobs and CONTROL in jobs:
        console.print(summary.comparison(jobs[CONTROL], jobs[MAIN_JOB]))
    _kubectl(console, cluster, "get", "trainingjobs", "-A")
    _prometheus(console, cluster)
    console.print(times(taken, seconds))
    console.print(following())
    console.print(f"Prometheus: {cluster.prometheus_url}" if cluster.prometheus_url else NO_PROMETHEUS)


def times(taken: Sequence[tuple[str, float]], seconds: float) -> Table:
    """How long each step took; steps that ran beside others overlap, so the sum is more than the whole."""
    table = Table("step", "took", title="Where the time went")
    for title, step_seconds in taken:
        table.add_row(title, duration(step_seconds))
    table.add_section()
    table.add_row("in all", duration(seconds))
    return table


def following() -> Table:
    """Commands to go on with."""
    table = Table("to see", "run", title="What to look at next", box=None, title_justify="left")
    for what, command in NEXT:
        table.add_row(what, command)
    return table


def _rejections(console: Console, jobs: Sequence[Figures]) -> None:
    console.print("\nBase models that were not used, by reason:")
    for job in jobs:
        console.print(f"  {summary.rejections(job)}", highlight=False)
    console.print()


def _kubectl(console: Console, cluster: Cluster, *arguments: str) -> None:
    console.print(f"\n$ kubectl {' '.join(arguments)}", style="bold")
    console.print(Objects(cluster).shown(*arguments), highlight=False, markup=False, soft_wrap=True)


def _prometheus(console: Console, cluster: Cluster) -> None:
    if cluster.prometheus_url is None:
        return
    prometheus.wait_for_scrape(cluster.prometheus_url)
    for question in prometheus.QUESTIONS:
        console.print()
        console.print(summary.answers(question, prometheus.ask(cluster.prometheus_url, question.expression)))
