"""Names of base models in tables: alone, but a namespace's with its kind where the cluster has one of that name."""

from collections.abc import Iterable

from coppice.api.decision import DecisionRecord
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import BaseModelKind


class Names:
    """The names of all base models that stand beside each other: those of a decision, and others."""

    def __init__(self, record: DecisionRecord | None, others: Iterable[BaseModelReference | None] = ()) -> None:
        kinds: dict[str, set[str]] = {}
        for one in (*_decided(record), *others):
            if one is not None:
                kinds.setdefault(one.name, set()).add(one.kind)
        self._shared = {name for name, of in kinds.items() if len(of) > 1}

    def of(self, reference: BaseModelReference | None) -> str:
        """One of them, or a dash where there is none."""
        if reference is None:
            return "-"
        alone = reference.kind is BaseModelKind.CLUSTER or reference.name not in self._shared
        return reference.name if alone else f"{reference.kind}/{reference.name}"


def _decided(record: DecisionRecord | None) -> Iterable[BaseModelReference | None]:
    if record is None:
        return ()
    candidates = (*record.ladder, *record.candidates, *([record.forgone] if record.forgone else []))
    probed = record.probe.base_models if record.probe else ()
    return (*(one.base_model for one in candidates), *probed)
