"""`python -m demo.transcripts`: write docs/transcripts from the cluster that the demo left running.

They show a newcomer what the commands print, so they are recorded, never written: a long output is cut in its middle,
where `[…]` stands, and nothing else is changed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

from devcluster.cli import existing
from devcluster.cluster import DEFAULT_NAME, Cluster
from devcluster.paths import REPOSITORY_ROOT

DIRECTORY = REPOSITORY_ROOT / "docs" / "transcripts"
MOST_LINES = 120
CUT = "[…]"
WIDTH = "120"

IN_DEMO = "-n coppice-demo"
COMMANDS = {
    "get.txt": (
        f"kubectl get trainingjobs {IN_DEMO}",
        f"kubectl get trainingjobs {IN_DEMO} -o wide",
        f"kubectl get basemodels {IN_DEMO} -o wide",
        "kubectl get clusterbasemodels",
        "kubectl get computeprofiles",
        "kubectl get trainingpolicies",
        f"kubectl get trainingreports {IN_DEMO}",
        "kubectl get trainingledgers -A",
        f"kubectl get jobs,pods {IN_DEMO}",
    ),
    "describe.txt": (
        f"kubectl wait --for=condition=Finished trainingjob/newswire-topics {IN_DEMO} --timeout=1m",
        f"kubectl describe trainingjob newswire-topics {IN_DEMO}",
        f"kubectl get events {IN_DEMO} --field-selector involvedObject.name=newswire-topics",
        f"kubectl logs {IN_DEMO} -l coppice.dev/trainingjob=newswire-topics --tail=40",
    ),
    "explain.txt": (
        "kubectl explain trainingjob.spec",
        "kubectl explain trainingjob.spec.objective",
        "kubectl explain trainingjob.status.totals",
        "kubectl explain basemodel.spec.source.files",
    ),
    "coppice.txt": (
        "kubectl coppice plan -f examples/demo/31-newswire-topics.yaml",
        f"kubectl coppice explain newswire-topics {IN_DEMO}",
        f"kubectl coppice explain digits-low {IN_DEMO}",
    ),
}


def main() -> None:
    """Record every transcript."""
    parser = argparse.ArgumentParser(prog="demo.transcripts", description=__doc__)
    parser.add_argument("--name", default=DEFAULT_NAME, help="the cluster's name (default: %(default)s)")
    cluster = existing(parser.parse_args().name)
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for file, commands in COMMANDS.items():
        record(DIRECTORY / file, commands, cluster)


def record(path: Path, commands: tuple[str, ...], cluster: Cluster) -> None:
    """Run the commands and write what they printed below each."""
    parts = [f"$ {command}\n{cut(_output(command, cluster))}\n" for command in commands]
    path.write_text("\n".join(parts), encoding="utf-8")


def cut(text: str, most: int = MOST_LINES) -> str:
    """The text with its middle left out where it has too many lines."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    if len(lines) <= most:
        return "\n".join(lines)
    head = most // 2
    return "\n".join([*lines[:head], CUT, *lines[head - most + 1 :]])


def _output(command: str, cluster: Cluster) -> str:
    environment = {**os.environ, **cluster.variables, "COLUMNS": WIDTH, "NO_COLOR": "1"}
    done = subprocess.run(
        command.split(), cwd=REPOSITORY_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
