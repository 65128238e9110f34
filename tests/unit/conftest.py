"""Fast by seldom looking for garbage: many small tests leave little of it, and each look costs more than all of it."""

import gc

gc.set_threshold(100_000, 50, 100)


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end, and need not be looked at again."""
    gc.freeze()
