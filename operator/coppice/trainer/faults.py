"""What can go wrong, and what it means: a reason for programs, a sentence for people, an exit code for Kubernetes.

The exit code decides whether Kubernetes tries again, so every error is sorted here and nowhere else. What is not
recognised is InternalError and final: repeating an unknown failure costs energy and rarely helps.
"""

import errno

from coppice.api.result import Fault, Reason
from coppice.api.run import (
    EXIT_BAD_DATA,
    EXIT_INTERNAL,
    EXIT_OUT_OF_MEMORY,
    EXIT_REFUSED,
    EXIT_RETRY,
    EXIT_SOURCE_MISSING,
    EXIT_USAGE,
)

EXIT_CODES = {
    Reason.INVALID_RUN: EXIT_USAGE,
    Reason.UNSUPPORTED: EXIT_USAGE,
    Reason.MISSING_COLUMN: EXIT_BAD_DATA,
    Reason.BAD_DATA: EXIT_BAD_DATA,
    Reason.UNKNOWN_LABEL: EXIT_BAD_DATA,
    Reason.TOO_FEW_EXAMPLES: EXIT_BAD_DATA,
    Reason.BAD_MODEL: EXIT_BAD_DATA,
    Reason.MODEL_CHANGED: EXIT_REFUSED,
    Reason.SOURCE_MISSING: EXIT_SOURCE_MISSING,
    Reason.SOURCE_UNREACHABLE: EXIT_RETRY,
    Reason.DIGEST_MISMATCH: EXIT_REFUSED,
    Reason.UNSAFE_PATH: EXIT_REFUSED,
    Reason.HOST_DENIED: EXIT_REFUSED,
    Reason.PICKLE_REFUSED: EXIT_REFUSED,
    Reason.REMOTE_CODE_REFUSED: EXIT_REFUSED,
    Reason.OUT_OF_MEMORY: EXIT_OUT_OF_MEMORY,
    Reason.NO_SPACE: EXIT_OUT_OF_MEMORY,
    Reason.ACCELERATOR_FAULT: EXIT_RETRY,
    Reason.INTERNAL: EXIT_INTERNAL,
}


class TrainerError(Exception):
    """A failure that is understood: its reason decides the exit code, its message says what to do."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def fault_of(error: BaseException) -> Fault:
    """The fault that an exception amounts to; the message is cut to what a result may carry."""
    reason, message = _sorted(error)
    return Fault(reason=reason, message=message[:1024])


def exit_code_of(fault: Fault) -> int:
    """The exit code that tells Kubernetes whether to try again."""
    return EXIT_CODES[fault.reason]


def _sorted(error: BaseException) -> tuple[Reason, str]:
    if isinstance(error, TrainerError):
        return error.reason, error.message
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text:
        return Reason.OUT_OF_MEMORY, f"{text}. Use a smaller batch or model, or ask for more memory."
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Reason.NO_SPACE, f"{text}. Give the output claim or the work volume more space."
    if "CUDA error" in text or "NCCL" in text:
        return Reason.ACCELERATOR_FAULT, f"{text}. The accelerator failed; another node may do better."
    return Reason.INTERNAL, text
