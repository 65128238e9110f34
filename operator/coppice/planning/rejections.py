"""How many base models or candidates were rejected, by reason, with the sentence of the first of them by name."""

from collections import Counter
from collections.abc import Callable

from coppice.api.reasons import FitReason

Place = tuple[str, int]
"""A model's key and the number of the method on it."""


class Rejections:
    """Counts by reason. A sentence is written once, for the first: most rejections are never told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, tuple[Place, Callable[[], str]]] = {}

    def add(self, reason: FitReason, count: int, place: Place, sentence: Callable[[], str]) -> None:
        """So many for that reason, the first of which stands there."""
        self.counts[reason] += count
        known = self._first.get(reason)
        if known is None or place < known[0]:
            self._first[reason] = place, sentence

    def sentences(self) -> dict[str, str]:
        """By reason."""
        return {reason: sentence() for reason, (_, sentence) in self._first.items()}
