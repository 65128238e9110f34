"""What a job must acknowledge before it runs, in no more strings than `spec.acknowledge` can take.

Each limitation and obligation is one string, `subject: sentence`, as long as they are few. Where they are too many,
one string for each subject stands for all of its sentences and carries their digest, so that it is no longer what
was accepted when one of them changes.
"""

import hashlib
import zlib
from collections.abc import Collection, Sequence

MOST_STRINGS = 32
"""Length of spec.acknowledge."""
MOST_BYTES = 1024
"""What of them, compressed, fits into a decision record beside everything else."""
SUBJECT_LENGTH = 64


def unacknowledged(wanted: Sequence[str], accepted: Collection[str]) -> tuple[str, ...]:
    """The strings that still have to be added to spec.acknowledge, in order."""
    subjects: dict[str, list[str]] = {}
    for text in wanted:
        subjects.setdefault(text.partition(": ")[0], []).append(text)
    whole = {subject: _whole(subject, texts) for subject, texts in subjects.items()}
    missing = [text for text in wanted if text not in accepted and whole[text.partition(": ")[0]] not in accepted]
    if not missing:
        return ()
    size = len(zlib.compress("".join(missing).encode(), 9))
    if len(accepted) + len(missing) <= MOST_STRINGS and size <= MOST_BYTES:
        return tuple(missing)
    return tuple(dict.fromkeys(whole[text.partition(": ")[0]] for text in missing))


def _whole(subject: str, texts: Sequence[str]) -> str:
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    return f"{subject[:SUBJECT_LENGTH]}: all {len(texts)} limitations and obligations (sha256:{digest})"
