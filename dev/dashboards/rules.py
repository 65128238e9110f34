"""Recording rules and alerts: few, about symptoms, each with a page that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboards.promql import EMBODIED, ENERGY, OPERATIONAL, so_far

RUNBOOKS = "RUNBOOKS"
"""Stands for the address of the pages; the chart puts in what its values say."""
ANY = ""
METERABLE = 'component=~"accelerator|cpu"'
"""What a meter could have seen: the idle share of a host is always worked out from reserved time."""


@dataclass(frozen=True)
class Recording:
    """A series worked out once, for queries over long ranges."""

    name: str
    expression: str

    def wire(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {"record": self.name, "expr": self.expression}


@dataclass(frozen=True)
class Alert:
    """Something that somebody has to look at. `summary` and `description` may name labels and the value."""

    name: str
    expression: str
    lasting: str
    severity: str
    summary: str
    description: str

    def wire(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{RUNBOOKS}/{self.name}.md",
            },
        }


RECORDINGS = (
    Recording(
        "namespace:coppice_energy_joules:sum", f"sum by (namespace) ({so_far(ENERGY, 'component', 'grade', where=ANY)})"
    ),
    Recording(
        "namespace:coppice_carbon_grams:sum", f"{so_far(OPERATIONAL, where=ANY)} + {so_far(EMBODIED, where=ANY)}"
    ),
    Recording(
        "namespace_trainingjob:coppice_energy_joules:sum",
        "sum by (namespace, trainingjob)"
        " (max by (namespace, trainingjob, component, grade) (coppice_trainingjob_energy_joules))",
    ),
    Recording(
        "namespace_trainingjob:coppice_energy_over_estimate:ratio",
        "namespace_trainingjob:coppice_energy_joules:sum"
        ' / max by (namespace, trainingjob) (coppice_trainingjob_estimated_energy_joules{bound="mid"})'
        " and (max by (namespace, trainingjob) (coppice_trainingjob_accounted) == 1)",
    ),
)

ALERTS = (
    Alert(
        "CoppiceNoLeader",
        "(sum(coppice_leader) or vector(0)) < 1",
        "2m",
        "critical",
        "No Coppice operator leads",
        "For two minutes no process has led: jobs are neither decided nor accounted until one does. Running pods go on.",
    ),
    Alert(
        "CoppiceOperatorStalled",
        "min(coppice_last_event_age_seconds) > 600",
        "5m",
        "critical",
        "The operator has seen no event for {{ $value | humanizeDuration }}",
        "Watches bring bookmarks at least every few minutes, so the operator is cut off from the API server or stuck.",
    ),
    Alert(
        "CoppiceJobBlocked",
        "max by (namespace, trainingjob, reason) (coppice_trainingjob_condition"
        '{condition="Succeeded", reason=~"PodBlocked|CreateRefused|ChildConflict|Unschedulable"}) == 1',
        "15m",
        "warning",
        "TrainingJob {{ $labels.namespace }}/{{ $labels.trainingjob }} cannot go on: {{ $labels.reason }}",
        "It has stood so for a quarter of an hour. Its condition says what blocks it: kubectl describe trainingjob.",
    ),
    Alert(
        "CoppiceAccountOverdue",
        'max by (namespace, trainingjob) (coppice_trainingjob_condition{condition="Finished", status="true"}) == 1',
        "20m",
        "warning",
        "TrainingJob {{ $labels.namespace }}/{{ $labels.trainingjob }} finished and is not accounted for",
        "Accounts close at most 15 minutes after a job's end; this one has not, so its energy is in no total yet.",
    ),
    Alert(
        "CoppiceEnergyUnknown",
        "(max by (namespace, trainingjob) (coppice_trainingjob_accounted) == 1)"
        ' and on (namespace, trainingjob) coppice_trainingjob_info{method!=""}'
        " unless on (namespace, trainingjob) coppice_trainingjob_energy_joules",
        "5m",
        "warning",
        "The account of {{ $labels.namespace }}/{{ $labels.trainingjob }} holds no energy",
        "The job is accounted and nothing says what it used. Its report names the gaps.",
    ),
    Alert(
        "CoppiceCoverageLow",
        f'(sum(increase({ENERGY}{{{METERABLE}, grade="Estimated"}}[1d]))'
        f" / (sum(increase({ENERGY}{{{METERABLE}}}[1d])) > 0)) > 0.5",
        "1h",
        "warning",
        "{{ $value | humanizePercentage }} of the last day's energy is only estimated",
        "Of what accelerators and CPUs used in jobs settled within a day, over half was seen by no meter and counted by no pod.",
    ),
    Alert(
        "CoppiceEstimatesOff",
        "(quantile(0.5, namespace_trainingjob:coppice_energy_over_estimate:ratio) > 2"
        " or quantile(0.5, namespace_trainingjob:coppice_energy_over_estimate:ratio) < 0.5)"
        " and on () (count(namespace_trainingjob:coppice_energy_over_estimate:ratio) >= 5)",
        "1h",
        "info",
        "Jobs take {{ $value | humanize }} times what was estimated",
        "The median over the accounted jobs shown is off by more than two. Decisions compare plans by these estimates.",
    ),
    Alert(
        "CoppiceBudgetNearlySpent",
        "max by (namespace, amount) (coppice_namespace_budget_used_ratio)"
        " + max by (namespace, amount) (coppice_namespace_budget_reserved_ratio) > 0.8",
        "5m",
        "info",
        "{{ $labels.namespace }} has used or reserved {{ $value | humanizePercentage }} of its {{ $labels.amount }} budget",
        "New jobs of the namespace are held back when the month's budget cannot take their high estimate.",
    ),
)


def groups() -> dict[str, Any]:
    """The rules in the form of Prometheus's rule files, which is the spec of a PrometheusRule too."""
    return {
        "groups": [
            {"name": "coppice.records", "rules": [recording.wire() for recording in RECORDINGS]},
            {"name": "coppice.alerts", "rules": [alert.wire() for alert in ALERTS]},
        ]
    }
