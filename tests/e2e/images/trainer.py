"""A user's own container: reads run.json, writes a model and a result, or does what ACT says instead.

ACT=sleep stays until it is told to stop, ACT=eat takes memory until it is killed, ACT=work keeps its processor busy for
SECONDS before it trains. Seen from Coppice it is a stranger:
nothing of the project is in its image.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

RUN, LAST_WORD = Path("/coppice/run.json"), Path("/dev/termination-log")
RESUME = 75


def train() -> None:
    """The least that the pod contract asks for, and a model beside it."""
    run = json.loads(RUN.read_text())
    model = Path(run["outputDirectory"]) / "model"
    model.mkdir(parents=True, exist_ok=True)
    (model / "weights.json").write_text("[1, 2, 3]")
    sys.stdout.write(f"trained {run['jobName']} for {run['task']} on {run['dataset']['train']['uri']}\n")
    result = {"attempt": run["attempt"], "podUid": os.environ["POD_UID"], "outcome": "Completed"}
    text = json.dumps({**result, "quality": os.environ.get("QUALITY", "0.97"), "n": 50})
    (model.parent / "result.json").write_text(text)
    LAST_WORD.write_text(text)


def eat() -> None:
    """Memory until there is none."""
    eaten = []
    while True:
        eaten.append(bytearray(os.urandom(2**20)))


def work() -> None:
    """Something, for a while."""
    end = time.monotonic() + float(os.environ["SECONDS"])
    while time.monotonic() < end:
        sum(range(100_000))
    train()


def sleep() -> None:
    """Nothing, for long; when it is stopped it wants to go on later."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(RESUME))
    sys.stdout.write("asleep\n")
    time.sleep(3600)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    {"train": train, "eat": eat, "sleep": sleep, "work": work}[os.environ.get("ACT", "train")]()
