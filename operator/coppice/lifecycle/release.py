"""What a job that was told to wait, and runs nothing, gives back of its namespace's budget: all but what it has used.

Asked in every pass and remembered nowhere, so a crash on either side of the ledger's write changes nothing. The entry
itself stays: a child whose creation was never answered may yet show up, and its energy must have somewhere to go. The
price is that the rest is asked for anew when the job may go on, and may be gone by then.
"""

from coppice.accounting.budget import lessened
from coppice.api.trainingledger import Reservation
from coppice.lifecycle.situation import Situation


def released(situation: Situation) -> Reservation | None:
    """What the job's entry is to reserve from now on; None where it reserves no more than that."""
    held = situation.observed.held() if situation.observed.held else None
    if held is None:
        return None
    spent = situation.books.spent
    used = Reservation(
        month=held.month,
        energy_watt_hours=spent.energy_watt_hours,
        carbon_grams=spent.carbon_grams,
        cost=spent.cost or 0,
    )
    less = lessened(held, used)
    return None if less == held else less
