"""Operator: whether it keeps up."""

from dashboards.board import Board, Panel, one, row, several

RATE = "$__rate_interval"


def percentile(share: str) -> str:
    """Seconds of a pass."""
    return f"histogram_quantile({share}, sum by (le) (rate(coppice_reconcile_seconds_bucket[{RATE}])))"


_LIFE = row(
    "Life",
    Panel(
        "Leaders",
        "Processes that lead: 1 in a healthy installation, 0 for some seconds while a leader is replaced.",
        "short",
        one("sum(coppice_leader)"),
        "stat", 6, 5,
    ),
    Panel(
        "Age of the last event",
        "Time since a watch last brought something; it grows where watches stall.",
        "s",
        one("min(coppice_last_event_age_seconds)"),
        "stat", 6, 5,
    ),
    Panel(
        "Unfinished jobs",
        "TrainingJobs whose account is not closed.",
        "short",
        one('count(max by (namespace, trainingjob) (coppice_trainingjob_condition{condition="Finished"})) or vector(0)'),
        "stat", 6, 5,
    ),
    Panel(
        "Errors",
        "Errors met within the range, by kind; single conflicts are retried and harmless.",
        "short",
        one("sum by (kind) (increase(coppice_errors_total[$__range])) or vector(0)", "{{kind}}"),
        "stat", 6, 5,
    ),
)  # fmt: skip

_WORK = row(
    "Work",
    Panel(
        "Time of a pass",
        "Seconds that one pass over one object takes, API requests included.",
        "s",
        several((percentile("0.5"), "median"), (percentile("0.99"), "99th percentile")),
    ),
    Panel(
        "Passes",
        "Passes over objects per second.",
        "ops",
        one(f"sum(rate(coppice_reconcile_seconds_count[{RATE}]))", "passes"),
    ),
    Panel(
        "Work queue",
        "Objects that wait for a pass or are in one.",
        "short",
        one("sum by (state) (coppice_work_queue_keys)", "{{state}}"),
        stacked=True,
        width=8,
    ),
    Panel(
        "Memory",
        "Resident memory of each replica.",
        "bytes",
        one("process_resident_memory_bytes and on (instance, job) coppice_leader", "{{instance}}"),
        width=8,
    ),
    Panel(
        "CPU",
        "Cores busy in each replica.",
        "short",
        one(f"rate(process_cpu_seconds_total[{RATE}]) and on (instance, job) coppice_leader", "{{instance}}"),
        width=8,
    ),
)

BOARD = Board(
    uid="coppice-operator",
    title="Coppice / Operator",
    description="Whether the operator leads, keeps up, and what it stumbles over.",
    rows=(_LIFE, _WORK),
    since="now-6h",
)
