"""`python -m bench.scrape`: how long /metrics takes and how large it is, with many jobs; no cluster is needed.

Jobs are read from bodies as the API server holds them, through the same code that serves a scrape. The first scrape
reads every body; later ones only those that changed, which is what a running operator does.
"""

import statistics
import time
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console
from rich.table import Table

from coppice.adapters.exporter import Exporter, Snapshot
from coppice.adapters.job_figures import JobFigures, figures_of
from coppice.api.trainingledger import TrainingLedgerSpec

FINISHED, RUNNING = 1000, 200
NAMESPACES = 20
SCRAPES = 15
PARTS = [
    {"component": component, "grade": grade, "joules": "5230.5"}
    for component, grade in (("cpu", "Modelled"), ("host_idle", "Estimated"), ("facility_overhead", "Modelled"))
]
ESTIMATE = {"low": "1", "mid": "2", "high": "4"}


def body(number: int, now: datetime, *, finished: bool) -> dict[str, object]:
    """A TrainingJob as the API server holds it."""
    conditions = [
        {"type": name, "status": "True" if finished else "Unknown", "reason": "ObjectiveMet"}
        for name in ("Decided", "Running", "Suspended", "Succeeded", "Failed", "Finished", "Accounted")
    ]
    avoided = {"low": "0.5", "mid": "0.6", "high": "0.7", "basis": "Declared"}
    totals = {"parts": PARTS, "coverage": "0.5", "operationalGrams": "0.6", "embodiedGrams": "0.2", "avoided": avoided}
    status: dict[str, object] = {
        "conditions": conditions,
        "decision": {"method": "LoRA", "reason": "FineTuneSavesCarbon", "ladder": [{"energyWattHours": ESTIMATE}]},
        "attempts": [{"number": 1, "method": "LoRA", "baseModel": {"name": "all-minilm-l6-v2"}, "profile": "h100"}],
    }
    if finished:
        status |= {"totals": totals | {"sci": {"gramsPerModel": "0.8"}}, "completionTime": now.isoformat()}
    metadata = {"name": f"job-{number}", "namespace": f"team-{number % NAMESPACES}", "uid": str(number)}
    return {"metadata": metadata, "spec": {"task": "text-classification"}, "status": status}


def main() -> None:
    """Measure and print."""
    now = datetime.now(UTC)
    bodies = [body(number, now, finished=number < FINISHED) for number in range(FINISHED + RUNNING)]
    begun = time.perf_counter()
    figures: list[JobFigures] = [figures_of(item) for item in bodies]
    reading = time.perf_counter() - begun
    ledgers = [TrainingLedgerSpec(namespace=f"team-{number}") for number in range(NAMESPACES)]
    registry = CollectorRegistry()
    registry.register(Exporter(lambda: Snapshot(now=now, leader=True, jobs=figures, ledgers=ledgers)))
    took, busy, text = [], [], b""
    for _ in range(SCRAPES):
        begun, worked = time.perf_counter(), time.process_time()
        text = generate_latest(registry)
        took.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - worked))
    series = sum(1 for line in text.splitlines() if not line.startswith(b"#"))
    table = Table("figure", "value", title=f"A scrape over {FINISHED} finished and {RUNNING} running jobs")
    table.add_row("reading every job once", f"{1000 * reading:.0f} ms")
    table.add_row("a scrape, median", f"{statistics.median(took):.0f} ms")
    table.add_row("a scrape, median of its CPU time", f"{statistics.median(busy):.0f} ms")
    table.add_row("a scrape, slowest of 15", f"{max(took):.0f} ms")
    table.add_row("size", f"{len(text) / 1024:.0f} KiB")
    table.add_row("series", f"{series:,} ({series / len(bodies):.1f} a job)")
    Console().print(table)


if __name__ == "__main__":
    main()
