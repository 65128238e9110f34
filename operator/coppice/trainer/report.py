"""What the training and evaluation processes tell the supervising one: a file, rewritten whole as they go on.

A file survives the death of its writer, so what a killed process had done by then is still known.
"""

from pathlib import Path

from pydantic import Field

from coppice.api.base import DecimalString, Model
from coppice.api.result import Fault, Stopped
from coppice.api.trainingjob_status import ProbedModel
from coppice.trainer.files import write_whole


class Report(Model):
    """Where a child process stands."""

    steps: int = 0
    epochs: DecimalString | None = None
    examples_seen: int = 0
    tokens_seen: int = 0
    counted_teraflop: DecimalString | None = None
    flop_method: str = ""
    stopped: Stopped | None = None
    validation_quality: DecimalString | None = None
    parameters: int | None = None
    labels: tuple[str, ...] = ()
    peak_accelerator_memory_bytes: int | None = None
    quality: DecimalString | None = None
    n: int | None = None
    standard_error: DecimalString | None = None
    probed: tuple[ProbedModel, ...] = ()
    notes: tuple[str, ...] = ()
    fault: Fault | None = Field(default=None, description="Why the process failed.")

    def write(self, path: Path) -> None:
        """Replaces the file."""
        write_whole(path, self.model_dump_json(by_alias=True, exclude_none=True))


def read_report(path: Path) -> Report:
    """The last report, or an empty one where the process never wrote any."""
    try:
        return Report.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Report()
