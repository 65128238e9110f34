"""`python -m demo`: run the main job end to end and show what it saved."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from rich.console import Console

from demo.installation import install
from demo.manifests import jobs
from demo.screen import console_of, show
from demo.stages import run
from devcluster import lifecycle
from devcluster.cluster import DEFAULT_NAME
from devcluster.errors import DevClusterError
from devcluster.progress import Progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when every job but the controls succeeded, 1 otherwise, or with a sentence on an error."""
    parsed = parser().parse_args(arguments)
    progress = Progress()
    started = time.monotonic()
    try:
        wanted = jobs(parsed.only)
        ready = install(parsed.name, parsed.provider, progress)
        outcome = run(ready, wanted, progress)
        show(console_of(), ready.cluster, outcome, progress.taken, time.monotonic() - started)
        if parsed.down:
            lifecycle.down(parsed.name, progress)
    except DevClusterError as error:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"error: {error}")
        return 1
    return 0 if outcome.succeeded else 1


def parser() -> argparse.ArgumentParser:
    """The options."""
    whole = argparse.ArgumentParser(prog="demo", description=__doc__)
    whole.add_argument("--name", default=DEFAULT_NAME, help="the cluster's name (default: %(default)s)")
    providers = ("auto", "kind", "local")
    whole.add_argument("--provider", choices=providers, default="auto", help="how to bring a cluster up")
    whole.add_argument("--only", action="append", default=[], metavar="JOB", help="run only this job (may be repeated)")
    after = whole.add_mutually_exclusive_group()
    after.add_argument("--keep", action="store_true", help="leave the cluster running (the default)")
    after.add_argument("--down", action="store_true", help="take the cluster down at the end")
    return whole
