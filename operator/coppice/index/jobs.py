"""TrainingJobs as last seen: the body for status patches, the model for decisions, read only when asked for.

Five thousand finished jobs are listed at every start and most are never looked at again, so a body becomes a model
only when a pass wants it. A body that the models cannot read (written by a newer schema, or before a rule existed)
is kept with the error, so that one bad object gets a condition and the others go on.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from coppice.api.conditions import ACCOUNTED, DECIDED, FINISHED, SUSPENDED, holds
from coppice.api.trainingjob import TrainingJob
from coppice.index.key import Key

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def trimmed(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without what only clients of server-side and client-side apply need; it is half of the bytes."""
    metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
    annotations = metadata.get("annotations")
    if annotations and LAST_APPLIED in annotations:
        metadata["annotations"] = {name: text for name, text in annotations.items() if name != LAST_APPLIED}
    return {**body, "metadata": metadata}


def sentence_of(error: ValidationError) -> str:
    """What is wrong with a body, without repeating its values: they may be long or private."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"


class SeenJob:
    """One TrainingJob."""

    __slots__ = ("_model", "body", "error")

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = trimmed(body)
        self.error: str | None = None
        self._model: TrainingJob | None = None

    @property
    def uid(self) -> str:
        """metadata.uid: which life this is."""
        return str(self.body["metadata"].get("uid", ""))

    @property
    def model(self) -> TrainingJob | None:
        """The job, or None if it cannot be read; `error` then says why."""
        if self._model is None and self.error is None:
            try:
                self._model = TrainingJob.model_validate(self.body)
            except ValidationError as error:
                self.error = sentence_of(error)
        return self._model

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do for it: finished and accounted."""
        return holds(self.body, FINISHED) and holds(self.body, ACCOUNTED)

    @property
    def undecided(self) -> bool:
        """Whether a change of catalogue, profiles or policies may matter to it."""
        if holds(self.body, FINISHED):
            return False
        return holds(self.body, SUSPENDED) or not holds(self.body, DECIDED)


class Jobs:
    """Every TrainingJob by key, and those that are gone but not yet settled."""

    def __init__(self) -> None:
        self._seen: dict[Key, SeenJob] = {}
        self._undecided: set[Key] = set()
        self._departed: dict[Key, dict[str, SeenJob]] = {}
        self._open: set[str] = set()

    def put(self, key: Key, body: Mapping[str, Any]) -> SeenJob:
        """Take over a body; another life under the same name makes the former one depart."""
        job = SeenJob(body)
        before = self._seen.get(key)
        if before is not None and before.uid != job.uid:
            self._departed.setdefault(key, {})[before.uid] = before
        self._seen[key] = job
        (self._open.discard if job.settled else self._open.add)(job.uid)
        (self._undecided.add if job.undecided else self._undecided.discard)(key)
        return job

    def drop(self, key: Key) -> None:
        """The job is gone; what was last seen of it is kept until `forget`."""
        job = self._seen.pop(key, None)
        self._undecided.discard(key)
        if job is not None:
            self._departed.setdefault(key, {})[job.uid] = job
            self._open.add(job.uid)

    def forget(self, key: Key, uid: str) -> None:
        """Drop what was kept of a departed job."""
        self._open.discard(uid)
        lives = self._departed.get(key, {})
        lives.pop(uid, None)
        if not lives:
            self._departed.pop(key, None)

    def get(self, key: Key) -> SeenJob | None:
        """The job of that name now."""
        return self._seen.get(key)

    def departed(self, key: Key) -> list[SeenJob]:
        """Former lives under that name that were not settled when they went."""
        return list(self._departed.get(key, {}).values())

    def undecided(self, namespace: str | None = None) -> list[Key]:
        """Jobs that wait or are undecided, of one namespace or all."""
        return [key for key in self._undecided if namespace in {None, key.namespace}]

    def open(self, uid: str) -> bool:
        """Whether the account of that life is not closed yet, as far as we know."""
        return uid in self._open

    def waiting_to_settle(self) -> list[Key]:
        """Where departed jobs were."""
        return list(self._departed)

    def __iter__(self) -> Iterator[tuple[Key, SeenJob]]:
        """Every job there is now."""
        return iter(list(self._seen.items()))
