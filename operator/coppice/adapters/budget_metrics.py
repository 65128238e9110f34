"""Gauges of budgets: which share of this month's budget a namespace has used, and which its open jobs hold.

Ratios and no amounts, so that one panel and one alert serve energy, carbon and money; a tenant may see them, while the
ledgers behind them hold every tenant's totals. A namespace shows from its first job on. A budget of 0 is used up.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from coppice.accounting.budget import FIELDS, Position, position
from coppice.accounting.calendar import month_of
from coppice.api.trainingledger import TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts, TrainingPolicySpec
from coppice.index import Index
from coppice.planning.policy import applicable, budgets

LABELS = {"energy_watt_hours": "energy", "carbon_grams": "carbon", "cost": "cost"}


@dataclass(frozen=True)
class NamespaceBudget:
    """How a namespace stands in the current month, and its budget."""

    namespace: str
    stand: Position
    budget: Amounts

    def ratios(self, part: str) -> Iterator[tuple[str, float]]:
        """Share of each bounded amount that is `used` or `reserved`."""
        for name in FIELDS:
            most = getattr(self.budget, name)
            if most is not None:
                amount: Decimal = getattr(getattr(self.stand, part), name)
                yield LABELS[name], float(amount / most) if most else 1.0


def namespace_budgets(
    index: Index, ledgers: Iterable[TrainingLedgerSpec], default: TrainingPolicySpec, now: datetime
) -> list[NamespaceBudget]:
    """Every namespace with a ledger and a budget, by name."""
    pages: dict[str, list[TrainingLedgerSpec]] = {}
    for spec in ledgers:
        pages.setdefault(spec.namespace, []).append(spec)
    found = []
    for name, specs in sorted(pages.items()):
        budget = budgets(applicable(index.policies, index.namespace_labels(name), default))
        if budget is not None:
            found.append(NamespaceBudget(name, position(specs, month_of(now)), budget))
    return found


class BudgetMetrics(Collector):
    """Asked at every scrape."""

    def __init__(self, budgets: Callable[[], Sequence[NamespaceBudget]]) -> None:
        self._budgets = budgets

    def collect(self) -> Iterator[Metric]:
        """Both gauges; no samples where this replica does not lead."""
        shown = self._budgets()
        words = {"used": "used by settled jobs", "reserved": "reserved by open jobs, high estimates"}
        for part, text in words.items():
            family = GaugeMetricFamily(
                f"coppice_namespace_budget_{part}_ratio",
                f"Share of the namespace's budget of this month (UTC) that is {text}; 1 is all of it.",
                labels=("namespace", "amount"),
            )
            for one in shown:
                for amount, ratio in one.ratios(part):
                    family.add_metric((one.namespace, amount), ratio)
            yield family
