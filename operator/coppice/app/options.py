"""The command line of the operator: every value that an installation decides, with a help text that teaches.

The chart passes all of them. Each flag can also be set by an environment variable, so that a value may come from a
field reference; a flag wins.
"""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

PREFIX = "COPPICE_"
ADDRESS = r"https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/\-]*)?"
"""No user, no query: credentials stand in files."""

DESCRIPTION = """\
Watches TrainingJobs, decides for each whether fine-tuning a registered base model meets its objective for less
carbon than training from scratch, runs the better plan as batch Jobs, and accounts for the energy.

One process works at a time: a Lease in the operator's namespace says which. The others stand by."""

EPILOG = """\
Every flag can be set by an environment variable too: --trainer-image is COPPICE_TRAINER_IMAGE.

On a developer's machine, against the cluster of the current kubeconfig:
  kubectl apply --server-side -f crds/
  coppice-operator --namespace default --trainer-image localhost/coppice-trainer:dev

What it says: JSON lines on standard output; /healthz and /readyz on the health port; /metrics on the metrics port.
It ends at SIGTERM within seconds, and with a failure code as soon as it loses the Lease."""


@dataclass(frozen=True)
class Options:
    """The command line, read."""

    namespace: str
    identity: str
    trainer_image: str
    trainer_pull_policy: str
    default_policy: Path | None
    intensity_overrides: Path | None
    intensity_sources: Path | None
    meters_prometheus: str
    meters_credentials: Path | None
    zone: str
    zone_from_nodes: bool
    account_workloads: bool
    pue: str
    metrics_port: int
    health_port: int
    log_level: str
    workers: int
    resync_seconds: float
    leader_election: bool
    report_retention: timedelta | None
    kubeconfig: str | None


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser, with the environment's values as defaults."""
    result = _Parser(
        prog="coppice-operator",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.environment = environment
    where = result.add_argument_group("where it runs")
    where.add_argument("--namespace", metavar="NAME", required=True, help="namespace of the Lease and the ledgers")
    where.add_argument("--identity", metavar="NAME", default="", help="name of this process; unset: the host's name")
    where.add_argument("--kubeconfig", metavar="FILE", help="unset: the pod's service account, else $KUBECONFIG")
    where.add_argument(
        "--leader-election",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait for the Lease; off only if nothing else can ever run (default: on)",
    )
    _jobs(result)
    _process(result)
    return result


def parse(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> Options:
    """Read the command line; ends the process with status 2 and a sentence where it is wrong."""
    read = vars(parser(environment).parse_args(arguments))
    days = read.pop("report_retention_days")
    return Options(**read, report_retention=timedelta(days=days) if days else None)


def _jobs(result: argparse.ArgumentParser) -> None:
    jobs = result.add_argument_group("what jobs get")
    jobs.add_argument("--trainer-image", metavar="IMAGE", required=True, help="image of the pods that train")
    jobs.add_argument(
        "--trainer-pull-policy",
        default="IfNotPresent",
        choices=["Always", "IfNotPresent", "Never"],
        help="its pull policy (default: %(default)s)",
    )
    jobs.add_argument(
        "--default-policy",
        metavar="FILE",
        type=Path,
        help="YAML spec of a TrainingPolicy for namespaces that no TrainingPolicy selects",
    )
    jobs.add_argument(
        "--intensity-overrides",
        metavar="FILE",
        type=Path,
        help="YAML of carbon intensities by zone, in place of the shipped table",
    )
    jobs.add_argument(
        "--intensity-sources",
        metavar="FILE",
        type=Path,
        help="YAML of live sources of carbon intensity, best first; unset: the table alone, and nothing is asked",
    )
    jobs.add_argument(
        "--meters-prometheus",
        metavar="URL",
        default="",
        type=_address,
        help="Prometheus that scrapes dcgm-exporter or Kepler; unset: pods meter themselves",
    )
    jobs.add_argument(
        "--meters-credentials",
        metavar="DIR",
        type=Path,
        help="directory with its bearer token (token) and certificate authority (ca.crt), if it wants them",
    )
    jobs.add_argument(
        "--zone",
        default="",
        help="zone of the carbon intensity where neither the profile nor its nodes say one; unset: the world's average",
    )
    jobs.add_argument(
        "--zone-from-nodes",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="take the zone from the nodes' label topology.kubernetes.io/region, for profiles that name none "
        "(default: on)",
    )
    jobs.add_argument(
        "--account-workloads",
        action=argparse.BooleanOptionalAction,
        default=True,
        help='account for Jobs, JobSets, TrainJobs and PyTorchJobs with the label coppice.dev/account: "true" '
        "(default: on)",
    )
    jobs.add_argument(
        "--pue",
        default="1.56",
        type=_pue,
        metavar="RATIO",
        help="power usage effectiveness of the facility, for profiles that state none (default: %(default)s, the "
        "industry's average)",
    )


def _process(result: argparse.ArgumentParser) -> None:
    process = result.add_argument_group("the process")
    process.add_argument(
        "--metrics-port", type=_whole, default=8080, metavar="PORT", help="/metrics (default: %(default)s)"
    )
    process.add_argument(
        "--health-port", type=_whole, default=8081, metavar="PORT", help="/healthz, /readyz (default: %(default)s)"
    )
    process.add_argument(
        "--log-level",
        default="info",
        choices=["debug", "info", "warning", "error"],
        help="least level of what is logged (default: %(default)s)",
    )
    process.add_argument(
        "--workers", type=_whole, default=16, metavar="N", help="passes at the same time (default: %(default)s)"
    )
    process.add_argument(
        "--resync-seconds",
        type=float,
        default=300.0,
        metavar="S",
        help="time between complete looks at the cluster (default: %(default)s)",
    )
    process.add_argument(
        "--report-retention-days",
        type=_whole,
        default=0,
        metavar="DAYS",
        help="delete reports older than this; 0 keeps them, for estimates learn from them (default: %(default)s)",
    )


class _Parser(argparse.ArgumentParser):
    """A parser whose options take defaults from the environment."""

    environment: Mapping[str, str] = {}

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Take what the environment says as the default, and as enough where a value is required."""
        for action in self._actions:
            value = self.environment.get(PREFIX + action.dest.upper())
            if value is None:
                continue
            action.required = False
            if isinstance(action, argparse.BooleanOptionalAction):
                action.default = value.lower() not in {"0", "false", "no", "off", ""}
            else:
                action.default = value  # argparse puts a text through `type` itself
        return super().parse_known_args(args, namespace)


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number


def _address(text: str) -> str:
    if text and not re.fullmatch(ADDRESS, text):
        raise argparse.ArgumentTypeError(f"{text} is no address such as http://prometheus.monitoring:9090")
    return text


def _pue(text: str) -> str:
    """A ratio of at least 1: facility energy over IT energy (ISO/IEC 30134-2). Kept as written, to lose no digit."""
    if float(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1: a facility uses at least what its machines use")
    return text
