"""The trainer's command line. It is started by manifests, but people read its help when a pod puzzles them."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from coppice.api.result import Outcome, Reason, Result
from coppice.api.run import EXIT_DONE, POD_UID_VARIABLE, RUN_FILE, TERMINATION_LOG, WORK_MOUNT, Run, parse_run
from coppice.trainer.faults import TrainerError, exit_code_of, fault_of
from coppice.trainer.fetch import fetch
from coppice.trainer.supervise import Supervisor, Surroundings, write_termination_message

DESCRIPTION = """\
Runs one attempt of a Coppice TrainingJob inside its pod.

A pod has two containers. The init container brings the base model and the data and verifies every file:
    python -m coppice.trainer fetch
The main container trains, evaluates the saved model once, and answers:
    python -m coppice.trainer run
which starts `train` and `evaluate` as processes of their own; start those by hand only to look closer.

What to do stands in /coppice/run.json (an annotation of the pod: kubectl get pod POD -o yaml).
The answer goes to <outputDirectory>/result.json and, in short, to the pod's termination message:
    kubectl get pod POD -o jsonpath='{.status.containerStatuses[0].state.terminated.message}'
"""

EPILOG = """\
exit codes:
  0    a result was written, whether or not it meets the target
  64   run.json cannot be understood, or asks for what this trainer cannot do
  65   data or base model do not fit: missing column, unknown label, too few examples
  66   a source does not exist
  71   out of memory or disk
  75   asked to stop: checkpointed, start me again
  77   a source was refused: digest, pickle, code, path or host
  200  something outside failed, such as a server: worth another try
  1    anything else; the log says what
"""


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "count":
        return _count(options)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    try:
        run = parse_run(options.run.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        message = f"{options.run} cannot be read as a run: {error}"
        return _refuse(options, None, TrainerError(Reason.INVALID_RUN, message))
    commands = {"fetch": _fetch, "run": _run, "train": _train, "evaluate": _evaluate, "probe": _probe}
    return commands[options.command](run, options)


def _fetch(run: Run, options: argparse.Namespace) -> int:
    try:
        fetch(run, options.work)
    except Exception as error:  # noqa: BLE001 (whatever it is, the pod must say it)
        return _refuse(options, run, error)
    return EXIT_DONE


def _run(run: Run, options: argparse.Namespace) -> int:
    surroundings = Surroundings.of_pod(str(options.work), str(options.termination_log))
    return Supervisor(run, options.run, surroundings).execute()


def _train(run: Run, options: argparse.Namespace) -> int:
    from coppice.trainer.training import train_process  # noqa: PLC0415 (torch is loaded only where it is needed)

    return train_process(run, options.report, options.seconds_left)


def _probe(run: Run, options: argparse.Namespace) -> int:
    from coppice.trainer.probing import probe_process  # noqa: PLC0415 (torch is loaded only where it is needed)

    return probe_process(run, options.report, options.seconds_left)


def _evaluate(run: Run, options: argparse.Namespace) -> int:
    from coppice.trainer.evaluation import evaluate_process  # noqa: PLC0415 (torch is loaded only where it is needed)

    return evaluate_process(run, options.report)


def _count(options: argparse.Namespace) -> int:
    from coppice.trainer.count import count_process  # noqa: PLC0415 (torch is loaded only where it is needed)

    return count_process(options.task, options.labels, options.tokens, options.image_size)


def _refuse(options: argparse.Namespace, run: Run | None, error: BaseException) -> int:
    fault = fault_of(error)
    logging.getLogger("coppice").error("%s: %s", fault.reason.value, fault.message)
    result = Result(
        job_uid=run.job_uid if run else "",
        attempt=run.attempt if run else 1,
        pod_uid=os.environ.get(POD_UID_VARIABLE) or f"local-{os.getpid()}",
        outcome=Outcome.FAILED,
        errors=(fault,),
    )
    if options.command in {"fetch", "run"}:
        write_termination_message(options.termination_log, result)
    return exit_code_of(fault)


def _parser() -> argparse.ArgumentParser:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m coppice.trainer", description=DESCRIPTION, epilog=EPILOG, formatter_class=style
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    helps = {
        "fetch": "bring and verify base model and data (the init container)",
        "run": "train, evaluate and answer (the main container)",
        "train": "only train; started by run",
        "evaluate": "only evaluate the saved model; started by run",
        "probe": "only look at several base models on a sample; started by run for kind Probe",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.add_argument("--run", type=Path, default=Path(RUN_FILE), help=f"the run file (default {RUN_FILE})")
        command.add_argument("--work", type=Path, default=Path(WORK_MOUNT), help="scratch space (default %(default)s)")
        if name in {"fetch", "run"}:
            log = Path(TERMINATION_LOG)
            command.add_argument("--termination-log", type=Path, default=log, help="where the last word goes")
        else:
            report = Path(WORK_MOUNT) / f"{name}-report.json"
            command.add_argument("--report", type=Path, default=report, help="where this process tells how it stands")
        if name in {"train", "probe"}:
            command.add_argument("--seconds-left", type=int, help="stop training in time for this limit")
    _add_count(commands)
    return parser


def _add_count(commands: Any) -> None:
    text = "count parameters and FLOPs of the configuration (config.json) on standard input; needs no run and no data"
    command = commands.add_parser("count", help=text, description=text[0].upper() + text[1:] + ".")
    command.add_argument("--task", default="text-classification", help="pipeline tag whose head it gets")
    command.add_argument("--labels", type=int, default=2, help="classes of that head")
    command.add_argument("--tokens", type=int, default=128, help="tokens of the example that is counted")
    command.add_argument("--image-size", type=int, help="side of the picture (default: the configuration's)")
