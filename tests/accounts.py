"""A finished job's report with everything in it: a resumed attempt on a CPU, then one on metered accelerators."""

from decimal import Decimal
from typing import Any

from builders import make_job, make_profile
from coppice.accounting.account import account_of
from coppice.accounting.report import report
from coppice.accounting.totals import totals
from coppice.accounting.use import AttemptUse
from coppice.api.result import Outcome
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Component, Grade
from uses import NOON, at, make_earlier, make_energy, make_intensity, make_pod, make_result

CPU_NODE = make_profile().build()
GPU_NODE = make_profile("h100").accelerator().build()
PARAMETERS = 22_713_216


def uses_of(cpu_seconds: str = "1800") -> tuple[AttemptUse, ...]:
    """Both attempts, at different intensities and PUE."""
    lost = make_earlier("pod-1", outcome=Outcome.LOST, cpu_seconds=cpu_seconds, started_at=NOON, ended_at=at(3000))
    resumed = make_result("pod-2", cpu_seconds=cpu_seconds, earlier=[lost], tokens_seen=10**6)
    nvml = make_energy(Component.ACCELERATOR, Grade.MEASURED, [1e5, 3e5, 2e5, 1.5e5], covered=3500)
    metered = make_result("pod-3", cpu_seconds=cpu_seconds, energy=nvml, counted_teraflop="5000")
    first = (make_pod("pod-1"), make_pod("pod-2", 600, start=4000, result=resumed))
    second = (make_pod("pod-3", start=6000, accelerators=2, result=metered, init_end=at(6100)),)
    return (
        AttemptUse(1, first, CPU_NODE, make_intensity("381"), Decimal("1.56")),
        AttemptUse(2, second, GPU_NODE, make_intensity("56.039", zone="FR"), Decimal("1.1")),
    )


def finished_report(models: int = 1) -> TrainingReport:
    """The report of a job that tried a probe and then fine-tuned; `models` 0: it missed its target."""
    attempts: list[dict[str, Any]] = [
        {"number": 1, "method": "LinearProbe", "profile": "cpu-node", "cpuCores": "4", "accelerators": 0},
        {"number": 2, "method": "FullFineTune", "profile": "h100", "cpuCores": "16", "accelerators": 2},
    ]
    base = {"kind": "ClusterBaseModel", "name": "all-minilm-l6-v2"}
    for attempt in attempts:
        attempt |= {"kind": "Train", "baseModel": base, "child": {"kind": "Job", "name": f"topics-{attempt['number']}"}}
        attempt |= {"startTime": at(0 if attempt["number"] == 1 else 6000)}
    condition = {"type": "Succeeded", "status": "True", "reason": "ObjectiveMet", "lastTransitionTime": NOON}
    status = {
        "conditions": [condition],
        "completionTime": at(10_000),
        "attempts": attempts,
        "result": {"attempt": 2, "quality": "0.96", "met": bool(models), "license": "Apache-2.0"},
        "totals": totals(account_of(uses_of()), run_seconds=7800, models=models, parameters=PARAMETERS).wire(),
    }
    return report(make_job().scratch().set("status", status).build(), None, uses_of(), name="newswire-topics-0a1b2")
