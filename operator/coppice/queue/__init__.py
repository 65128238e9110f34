"""The work queue: which key is worked on next, by how many workers, and when again after a failure."""

from coppice.queue.backoff import Backoff
from coppice.queue.queue import Outcome, WorkQueue

__all__ = ["Backoff", "Outcome", "WorkQueue"]
