"""The screen: what manifests and model cards say is shown as it stands, square brackets and all."""

from rich.console import Console
from rich.text import Text

STYLES = {"error": "red", "not usable yet": "red", "replayed otherwise": "red"}
"""Other labels are for things to look at."""


def screen(*, errors: bool = False, width: int | None = None) -> Console:
    """Standard output, or standard error."""
    return Console(stderr=errors, width=width, markup=False)


def said(label: str, text: str) -> Text:
    """A sentence behind a word that says what it is for."""
    return Text.assemble((f"{label}:", STYLES.get(label, "yellow")), " ", text)
