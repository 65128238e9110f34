"""`python -m devcluster`: up, down, status, images, and what helps around them."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from devcluster import lifecycle
from devcluster.cluster import DEFAULT_NAME, Cluster
from devcluster.controlplane import ControlPlane
from devcluster.doctor import findings
from devcluster.errors import DevClusterError
from devcluster.images.targets import TARGETS, provide
from devcluster.progress import Progress, duration

OUT = Console(soft_wrap=True, highlight=False, markup=False)

Command = Callable[[argparse.Namespace, Progress], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error is a sentence on standard error and exit status 1."""
    parsed = parser().parse_args(arguments)
    command: Command = parsed.command
    try:
        command(parsed, Progress())
    except DevClusterError as error:
        Console(stderr=True, soft_wrap=True, highlight=False, markup=False).print(f"error: {error}")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    whole = argparse.ArgumentParser(prog="devcluster", description=__doc__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(command=command)
        one.add_argument("--name", default=DEFAULT_NAME, help="the cluster's name (default: %(default)s)")
        return one

    up = add("up", _up, "Bring the cluster up: the API server, a node, Prometheus.")
    providers = ("auto", "kind", "local", "context")
    up.add_argument("--provider", choices=providers, default="auto", help="auto: kind, else local; never context")
    add("down", _down, "Take the cluster down and remove every trace of it.")
    add("status", _status, "Say what runs, where, and how to reach it.")
    add("kubeconfig", _kubeconfig, "Print the path of the cluster's kubeconfig.")
    add("env", _env, 'Print shell variables for the cluster: eval "$(python -m devcluster env)".')
    images = add("images", _images, "Build the project's images and hand them to the cluster.")
    images.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)} (default: all)")
    add("doctor", _doctor, "Say what this machine has and lacks.")
    control_plane = add("controlplane", _controlplane, "Run an API server without a node until interrupted.")
    control_plane.add_argument("--state", type=Path, help="keep its state here (default: a temporary directory)")
    return whole


def _up(arguments: argparse.Namespace, progress: Progress) -> None:
    lifecycle.up(arguments.name, arguments.provider, progress)
    OUT.print(lifecycle.status(arguments.name))
    total = sum(seconds for _, seconds in progress.taken)
    OUT.print(f'\nIt took {duration(total)}. For your shell: eval "$(python -m devcluster env)"')


def _down(arguments: argparse.Namespace, progress: Progress) -> None:
    lifecycle.down(arguments.name, progress)


def _status(arguments: argparse.Namespace, _: Progress) -> None:
    OUT.print(lifecycle.status(arguments.name))


def _kubeconfig(arguments: argparse.Namespace, _: Progress) -> None:
    OUT.print(str(existing(arguments.name).kubeconfig))


def _env(arguments: argparse.Namespace, _: Progress) -> None:
    for variable, value in existing(arguments.name).variables.items():
        OUT.print(f"export {variable}={shlex.quote(value)}")


def _images(arguments: argparse.Namespace, progress: Progress) -> None:
    for image in provide(arguments.targets or list(TARGETS), existing(arguments.name), progress):
        OUT.print(image)


def _doctor(_: argparse.Namespace, __: Progress) -> None:
    table = Table("what", "state", "what to do", box=None)
    for finding in findings():
        table.add_row(finding.subject, finding.state, finding.remedy)
    Console().print(table)


def _controlplane(arguments: argparse.Namespace, progress: Progress) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        tempfile.TemporaryDirectory(prefix="coppice-dev-") as temporary,
        ControlPlane(arguments.state or Path(temporary), progress=progress) as cluster,
    ):
        OUT.print(f"export KUBECONFIG={cluster.kubeconfig}\nInterrupt (Ctrl-C) to stop.")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def existing(name: str) -> Cluster:
    """The cluster `name`, or a sentence that says how to start it."""
    cluster = Cluster.load(name)
    if cluster is None:
        raise DevClusterError(f"There is no cluster {name}; start it with `python -m devcluster up --name {name}`.")
    return cluster
