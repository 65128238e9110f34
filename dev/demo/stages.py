"""The demo from the first command to the last job: install, lay the ground, run the jobs one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from demo.figures import Figures
from demo.follow import follow
from demo.installation import Ready
from demo.loading import load
from demo.manifests import NAMESPACE, Manifest, ground
from demo.objects import Objects, names
from devcluster.progress import Progress


@dataclass(frozen=True)
class Outcome:
    """The jobs that were run, in order, as they ended."""

    jobs: tuple[Figures, ...]

    @property
    def succeeded(self) -> bool:
        """Whether every job succeeded; those of mode Never are measurements and count also when they miss."""
        return all(job.succeeded for job in self.jobs if not job.control)


def run(ready: Ready, jobs: Sequence[Manifest], progress: Progress) -> Outcome:
    """Run the jobs on cleared ground, one after the other, so that each can use what those before it made."""
    objects = Objects(ready.cluster)
    clear(objects, progress)
    with progress.step("Create the namespace, its policy, volumes and base model"):
        for manifest in ground():
            objects.apply(manifest)
    outputs = [f"models/{manifest.job.metadata.name}" for manifest in jobs if manifest.job]
    with progress.step("Load the inputs into the volumes (a Pod and kubectl cp)") as step:
        sent = load(ready.cluster, ready.inputs, ready.trainer_image, outputs, step)
    progress.note(f"  {len(sent)} files sent, {len(ready.inputs.files) - len(sent)} were there already")
    return run_jobs(objects, jobs, progress)


def run_jobs(objects: Objects, jobs: Sequence[Manifest], progress: Progress) -> Outcome:
    """Apply the jobs one after the other, each when the one before it is accounted for."""
    return Outcome(tuple(_run_one(objects, manifest, progress) for manifest in jobs))


def clear(objects: Objects, progress: Progress) -> None:
    """Remove what an earlier run left in the demo's own namespace, so that nothing is learnt from it.

    The namespace's ledger stays, as it must: its totals count every run.
    """
    found = {kind: names(objects.listed(kind)) for kind in ("trainingjobs", "basemodels", "trainingreports")}
    if not found["trainingjobs"] and not found["trainingreports"]:
        return
    with progress.step(f"Remove the jobs, models and reports of an earlier run from namespace {NAMESPACE}"):
        for kind, items in found.items():
            objects.delete(kind, items)
    progress.note("  nothing outside this namespace is touched; the ledger keeps its totals")


def _run_one(objects: Objects, manifest: Manifest, progress: Progress) -> Figures:
    assert manifest.job is not None
    name = manifest.job.metadata.name
    with progress.step(f"TrainingJob {name}") as step:
        objects.apply(manifest)
        follow(objects, name, step)
        found = objects.figures(name)
    progress.note(f"  {found.line}")
    return found
