"""Showing: columns rounded to the digits that a record shows, as `shown` rounds each figure.

A figure of a column differs from the candidate's own in its last bits, so where those decide - at a tie, at a power of
ten - nothing is told, and the candidate is asked.
"""

import numpy as np

from coppice.api.base import MOST_PLACES, SCALES
from coppice.planning.column import Figures
from coppice.planning.sieving.outline import ROUNDING

_SCALES = np.array(SCALES)
NEAR = 1e-6
"""Distance from a tie, in units of the last digit, within which nothing is told whatever the size."""


def shown_column(values: Figures, significant_digits: int = 4) -> list[float | None]:
    """Each figure as it is shown; None where rounding could tell otherwise."""
    size = np.abs(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = significant_digits - 1 - np.floor(np.log10(size))
        scale = _SCALES[np.clip(np.nan_to_num(places), 0, MOST_PLACES).astype(np.int64)]
        scaled = values * scale
        whole = np.rint(scaled)
        clear = np.abs(np.abs(scaled - whole) - 0.5) > NEAR + 2 * ROUNDING * np.abs(scaled)
    # Fewer digits than asked for: at the least place that is kept, or just above a power of ten.
    clear &= (np.abs(whole) > 10 ** (significant_digits - 1)) & (size < 1 / ROUNDING)
    found: list[float | None] = (whole / scale).tolist()
    for number in np.flatnonzero(~clear).tolist():
        found[number] = None
    return found
