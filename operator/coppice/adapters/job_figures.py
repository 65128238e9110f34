"""What metrics show of one job: a few numbers and labels, read from its raw body without building models.

A scrape must be quick with a thousand finished jobs, of which most are never parsed for anything else. A running
job's status has no totals yet: its live account stands in for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from coppice.accounting.account import Account
from coppice.api.conditions import ACCOUNTED, holds

Body = Mapping[str, Any]
EnergyPart = tuple[str, str, float]
"""Component, grade, joules."""

JOULES_PER_WATT_HOUR = 3600.0
SCI_UNITS = {
    "model": "gramsPerModel",
    "exaflop": "gramsPerExaflop",
    "million_tokens": "gramsPerMillionTokens",
    "billion_parameters": "gramsPerBillionParameters",
}
"""Metric suffix by field of status.totals.sci."""


@dataclass(frozen=True)
class JobFigures:
    """One job as metrics show it: joules, gCO2e, and labels with few values."""

    namespace: str
    name: str
    uid: str
    info: Mapping[str, str] = field(default_factory=dict)
    energy: tuple[EnergyPart, ...] = ()
    operational_grams: float | None = None
    embodied_grams: float | None = None
    avoided: tuple[tuple[str, str, float], ...] = ()
    sci: Mapping[str, float] = field(default_factory=dict)
    coverage: float | None = None
    cost: float | None = None
    estimated_joules: tuple[tuple[str, float], ...] = ()
    accounted: bool = False
    conditions: tuple[tuple[str, str, str], ...] = ()
    finished_at: datetime | None = None


def figures_of(body: Body) -> JobFigures:
    """The figures in a TrainingJob's body; what its status does not say yet is absent."""
    metadata, status = body["metadata"], body.get("status") or {}
    totals = status.get("totals") or {}
    return JobFigures(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        info=_info(body.get("spec") or {}, status),
        energy=tuple((part["component"], part["grade"], float(part["joules"])) for part in totals.get("parts", ())),
        operational_grams=_number(totals.get("operationalGrams")),
        embodied_grams=_number(totals.get("embodiedGrams")),
        avoided=_avoided(totals.get("avoided")),
        sci=_sci(totals.get("sci") or {}),
        coverage=_number(totals.get("coverage")),
        cost=_number(totals.get("cost")),
        estimated_joules=_estimated(status.get("decision") or {}),
        accounted=holds(body, ACCOUNTED),
        conditions=tuple(_condition(item) for item in status.get("conditions", ())),
        finished_at=_moment(status.get("completionTime")),
    )


def with_account(figures: JobFigures, account: Account | None) -> JobFigures:
    """The figures with a running job's live account; totals that status has are final and stay."""
    if account is None or figures.operational_grams is not None:
        return figures
    return replace(
        figures,
        energy=tuple((label[0].value, label[1].value, float(joules)) for label, joules in account.parts.items()),
        operational_grams=float(account.operational_grams),
        embodied_grams=float(account.embodied_grams.mid),
    )


def _info(spec: Body, status: Body) -> dict[str, str]:
    decision = status.get("decision") or {}
    attempts = status.get("attempts") or ()
    current: Body = attempts[-1] if attempts else decision
    base = current.get("baseModel") or {}
    return {
        "task": spec.get("task", ""),
        "method": current.get("method", ""),
        "base_model": base.get("name", ""),
        "profile": current.get("profile", ""),
        "decision_reason": decision.get("reason", ""),
    }


def _avoided(avoided: Body | None) -> tuple[tuple[str, str, float], ...]:
    if avoided is None:
        return ()
    return tuple((bound, avoided["basis"], float(avoided[bound])) for bound in ("low", "mid", "high"))


def _sci(sci: Body) -> dict[str, float]:
    return {unit: float(sci[name]) for unit, name in SCI_UNITS.items() if name in sci}


def _estimated(decision: Body) -> tuple[tuple[str, float], ...]:
    """Facility energy that the decision expected of its first rung, in joules by bound."""
    for rung in decision.get("ladder", ())[:1]:
        energy = rung["energyWattHours"]
        return tuple((bound, float(energy[bound]) * JOULES_PER_WATT_HOUR) for bound in ("low", "mid", "high"))
    return ()


def _condition(condition: Body) -> tuple[str, str, str]:
    return condition["type"], condition["status"].lower(), condition.get("reason", "")


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _moment(text: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else text


def visible(jobs: Iterable[JobFigures], since: datetime) -> list[JobFigures]:
    """Jobs that are unfinished or finished after a moment."""
    return [job for job in jobs if job.finished_at is None or job.finished_at >= since]
