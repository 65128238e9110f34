"""Controls: jobs that trained the same thing from scratch, so that a saving is compared with what was measured.

A control has mode Never and the same fingerprint, in the same namespace. What only its own container says of its
quality decides that job alone, so a SelfReported control measures nothing for others.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Evidence


def fingerprint(spec: TrainingJobSpec) -> str:
    """sha256 over task, dataset, objective and the plan from scratch, in canonical JSON.

    Without `fromScratch` the plan is the user's own container or template; else two programs would pass for one.
    """
    wire = spec.wire()
    plan: dict[str, Any] = {name: wire.get(name) for name in ("task", "dataset", "objective", "fromScratch")}
    if spec.from_scratch is None and spec.trainer is not None:
        trainer = wire["trainer"]
        plan["program"] = {name: trainer.get(name) for name in ("container", "template")}
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def find_control(
    reports: Iterable[TrainingReport], spec: TrainingJobSpec, namespace: str | None = None
) -> TrainingReport | None:
    """The control for a job: the latest that met the target, else the latest at all.

    `namespace` is the job's; None says that the reports are all of it. A control that missed is for showing beside
    (see `met_target`); its figures are never summed.
    """
    wanted = fingerprint(spec)
    near = (report for report in reports if namespace is None or report.metadata.namespace == namespace)
    found = [report for report in near if report.spec.fingerprint == wanted and _usable(report)]
    return max(found, key=_rank, default=None)


def met_target(report: TrainingReport) -> bool:
    """Whether the control's model reached the target (any model will do where there is none)."""
    result = report.spec.result
    return report.spec.succeeded and result is not None and result.met is not False


def _usable(report: TrainingReport) -> bool:
    result = report.spec.result
    if not report.spec.control or report.spec.totals is None:
        return False
    return result is None or result.evidence is not Evidence.SELF_REPORTED


def _rank(report: TrainingReport) -> tuple[bool, float, str]:
    finished = report.spec.completion_time
    return met_target(report), finished.timestamp() if finished else 0.0, report.metadata.name
