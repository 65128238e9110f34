"""When to look for garbage: an index of many thousand objects stays, and each look at it stops every decision.

Reference counts free nearly everything at once; the collector is for cycles alone. What is there after the first LIST
is left out of its looks, and a decision's many small objects do not call for one each time. The price is that cycles
among what was listed first are never freed: there are none but by mistake.
"""

import gc

ALLOCATIONS_BETWEEN_LOOKS = 50_000


def look_seldom() -> None:
    """Keep what is there for good, and look at the rest less often than Python does by itself."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BETWEEN_LOOKS, 20, 50)
