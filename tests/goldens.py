"""Golden files: what a pure function makes, kept as text so that a reviewer sees every change of it.

`UPDATE_GOLDEN=1 pytest …` writes the files anew; look at the difference before you commit it.
"""

import os
from pathlib import Path

DIRECTORY = Path(__file__).parent / "golden"
UPDATING = os.environ.get("UPDATE_GOLDEN") == "1"


def golden(name: str, text: str) -> str:
    """The text of the golden file; with UPDATE_GOLDEN=1 the file is written first."""
    path = DIRECTORY / name
    if UPDATING:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path.read_text()
