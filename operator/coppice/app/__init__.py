"""The operator's process: `coppice-operator`, `python -m coppice.app`. See `main`."""

from coppice.app.main import main

__all__ = ["main"]
