"""Whether chances are worth anything: their Brier score on recorded attempts against that of the base rate.

    Brier score       mean of (chance - outcome)^2; 0 is perfect, 0.25 a coin
    base rate         what always saying the share of successes would have scored; for each attempt the share is taken
                      over the others, because nobody knew it beforehand

Own attempts judge, from ENOUGH of them on; before that other namespaces help, each with its newest ENOUGH at most. If
the chances are not better than the base rate, decisions say so, and how the base models are ranked by size: which is
larger is known to be a decent guess. It is said and not obeyed, because a poor score of the probabilities does not
make their order poor: in this project's trials, chances cut down to size missed two targets that whole ones met.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coppice.api.base import rounded
from coppice.api.decision import ScoreRecord
from coppice.api.vocabulary import Learning
from coppice.planning.learning.chapter import Chapter
from coppice.planning.learning.history import History

ENOUGH = 20
"""Attempts below which nothing is said about the chances."""
Forecast = tuple[float, bool]
"""A chance and whether the target was met."""


@dataclass(frozen=True)
class Score:
    """The chances' record: attempts, both Brier scores, and the share of attempts that met their target."""

    attempts: int = 0
    brier: float = 0.0
    base_brier: float = 0.0
    base_rate: float = 0.5

    @property
    def judged(self) -> bool:
        """Whether there are enough attempts to say anything."""
        return self.attempts >= ENOUGH

    @property
    def worthless(self) -> bool:
        """Whether the chances beat no base rate."""
        return self.judged and self.brier >= self.base_brier

    @property
    def sentence(self) -> str:
        """What a decision says of its chances."""
        if not self.judged:
            return f"not judged yet: {self.attempts} recorded attempts of {ENOUGH}"
        figures = (
            f"Brier score {self.brier:.3f} against {self.base_brier:.3f} of the base rate on {self.attempts} attempts"
        )
        return f"{'no better' if self.worthless else 'better'} than the base rate: {figures}"

    def statement(self, by_size: Sequence[str] = ()) -> str:
        """The sentence, and for chances that are worth nothing what to go by instead: base models, largest first."""
        return f"{self.sentence}; ranked by size: {', '.join(by_size)}" if self.worthless and by_size else self.sentence

    def record(self, by_size: Sequence[str] = ()) -> ScoreRecord:
        """As it stands in the decision."""
        if not self.attempts:
            return ScoreRecord(statement=self.sentence)
        return ScoreRecord(
            attempts=self.attempts,
            brier=rounded(self.brier, 3),
            base_brier=rounded(self.base_brier, 3),
            base_rate=rounded(self.base_rate, 3),
            statement=self.statement(by_size),
        )


def scored(forecasts: Sequence[Forecast]) -> Score:
    """The score of forecasts; nothing is judged without any."""
    count, met = len(forecasts), sum(outcome for _, outcome in forecasts)
    if not count:
        return Score()
    rate = met / count
    # Without the attempt itself a success is expected at (met - 1) / (count - 1), a miss at met / (count - 1).
    others = count / (count - 1) if count > 1 else 1.0
    base = (rate * (1 - rate) * others**2) if count > 1 else 0.25
    brier = sum((chance - outcome) ** 2 for chance, outcome in forecasts) / count
    return Score(count, brier, base, rate)


def score(history: History, namespace: str, learning: Learning) -> Score:
    """The score that counts for one namespace's decisions."""
    if learning is Learning.OFF:
        return Score()
    return history.kept(("score", namespace, learning), lambda: _score(history, namespace, learning))


def _score(history: History, namespace: str, learning: Learning) -> Score:
    found = list(_forecasts(history.own(namespace)))
    if len(found) < ENOUGH and learning is Learning.ALL:
        for chapter in history.others(namespace):
            found += list(_forecasts(chapter))[-ENOUGH:]
    return scored(found)


def _forecasts(chapter: Chapter) -> Iterable[Forecast]:
    return ((one.chance, one.met) for one in chapter.lessons if one.chance is not None and one.met is not None)
