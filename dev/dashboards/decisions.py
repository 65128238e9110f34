"""Decisions: what is chosen, why base models fall, and whether estimates come true."""

from dashboards.board import Board, Panel, Variable, one, row, several
from dashboards.promql import CHOSEN

MEASURED = (
    "sum by (namespace, trainingjob)"
    f" (max by (namespace, trainingjob, component, grade) (coppice_trainingjob_energy_joules{{{CHOSEN}}}))"
)
SETTLED = f"(max by (namespace, trainingjob) (coppice_trainingjob_accounted{{{CHOSEN}}}) == 1)"


def estimated(bound: str) -> str:
    """The estimate that the decision stood on."""
    series = f'coppice_trainingjob_estimated_energy_joules{{{CHOSEN}, bound="{bound}"}}'
    return f"max by (namespace, trainingjob) ({series})"


_RATIO = f"({MEASURED} / {estimated('mid')}) and {SETTLED}"
_WITHIN = f"(({MEASURED} >= bool {estimated('low')}) * ({MEASURED} <= bool {estimated('high')})) and {SETTLED}"

_CHOICES = row(
    "Choices",
    Panel(
        "Decisions by reason",
        "Decisions written within the range by the operator's processes, by why the plan was chosen.",
        "short",
        one("sort_desc(sum by (reason) (increase(coppice_decisions_total[$__range])) > 0)", "{{reason}}"),
        "bargauge",
    ),
    Panel(
        "Why not: candidates rejected by reason",
        "Base models with a method that failed a fit check within the range. DigestMissing and NotReady can be mended by pinning.",
        "short",
        one("sort_desc(sum by (reason) (increase(coppice_fit_rejections_total[$__range])) > 0)", "{{reason}}"),
        "bargauge",
    ),
)

_TRUTH = row(
    "Predicted against what came out",
    Panel(
        "Within the interval",
        "Share of accounted jobs whose energy lies between the 10th and 90th percentile of the first rung's estimate; about 0.8 is right.",
        "percentunit",
        one(f"avg({_WITHIN})"),
        "stat",
        6,
        6,
    ),
    Panel(
        "Median ratio",
        "Energy of accounted jobs over the middle of their estimate; above 1 the estimates were too low.",
        "none",
        one(f"quantile(0.5, {_RATIO})"),
        "stat",
        6,
        6,
    ),
    Panel(
        "Jobs that the ratio stands on",
        "Accounted jobs that the metrics still show.",
        "short",
        one(f"count({_RATIO})"),
        "stat",
        6,
        6,
    ),
    Panel(
        "Jobs waiting",
        "Unfinished jobs that wait for somebody: an approval, an acknowledgement, a budget, a queue.",
        "short",
        one(
            f'sum by (reason) (max by (namespace, trainingjob, reason) (coppice_trainingjob_condition{{{CHOSEN}, condition="Suspended", status="true"}})) or vector(0)',
            "{{reason}}",
        ),
        "bargauge",
        6,
        6,
    ),
    Panel(
        "Estimate and outcome by job",
        "Facility energy: what the decision expected of its first rung, and what all attempts came to.",
        "joule",
        several(
            (estimated("low"), "low"), (estimated("mid"), "mid"), (estimated("high"), "high"), (MEASURED, "came out")
        ),
        "table",
        24,
    ),
)

BOARD = Board(
    uid="coppice-decisions",
    title="Coppice / Decisions",
    description="What is chosen and why, why base models are not used, and how far estimates are off.",
    variables=(Variable("namespace", "Namespace", "coppice_trainingjob_info"),),
    rows=(_CHOICES, _TRUTH),
)
