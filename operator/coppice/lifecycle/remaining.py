"""What is left of a namespace's budget when a job is settled: told in its Accounted condition.

Tenants cannot read ledgers, so a job is where they see how they stand. It is said once, as of the moment the account is
closed; a number that moved with every other job would be written into every job for ever.
"""

from coppice.accounting.budget import FIELDS, Sum, sum_of
from coppice.lifecycle.situation import Situation
from coppice.planning.policy import AMOUNTS


def remaining(situation: Situation) -> str:
    """A sentence with what is left of each bounded amount; empty without a budget."""
    budget, stand = situation.observed.resolved.budgets, situation.observed.others
    if budget is None or stand is None:
        return ""
    others = stand()
    own = next((sum_of(total) for total in situation.books.months if total.month == others.month), Sum())
    taken = others.stand.used + others.stand.reserved + (Sum() if others.counted else own)
    parts = [
        f"{max(float(most) - float(getattr(taken, name)), 0.0):.6g} of {float(most):.6g} {FIELDS[name]} "
        f"({situation.observed.resolved.because(f'monthlyBudget.{AMOUNTS[name]}')})"
        for name in FIELDS
        if (most := getattr(budget, name)) is not None
    ]
    return f"Left of the budget of {others.month}: {', '.join(parts)}."
