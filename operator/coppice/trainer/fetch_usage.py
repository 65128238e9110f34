"""The init step's own account, handed to the main container through the work volume."""

import json
from pathlib import Path

from coppice.trainer.files import write_whole

USAGE_FILE = "fetch-usage.json"


def write_fetch_usage(work: Path, started: float, seconds: float, cpu_seconds: float) -> None:
    """Leaves start (seconds since the epoch), duration and CPU seconds of the fetch step."""
    write_whole(work / USAGE_FILE, json.dumps([started, seconds, cpu_seconds]))


def read_fetch_usage(work: Path) -> tuple[float, float, float]:
    """What the fetch step left; zeros where no such step ran."""
    try:
        started, seconds, cpu_seconds = json.loads((work / USAGE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return float("inf"), 0.0, 0.0
    return float(started), float(seconds), float(cpu_seconds)
