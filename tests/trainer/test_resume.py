"""A pod that is evicted or killed: the next one goes on, and nothing is counted twice or forgotten."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from coppice.api.result import Outcome, Stopped, parse_result
from coppice.api.run import EXIT_RESUME, Run
from coppice.trainer.report import read_report
from trainer.kit import command, environment, execute, run_of, text_rows, write_parquet, write_text_model

EPOCHS, BATCH, LEARNT_FROM = 12, 8, 360
STEPS = EPOCHS * LEARNT_FROM // BATCH


def prepared(root: Path) -> Run:
    write_text_model(root / "base")
    write_parquet(root / "data/train.parquet", text_rows(400, 1))
    write_parquet(root / "data/test.parquet", text_rows(60, 2))
    slow = {"learningRate": "0.0001", "epochs": EPOCHS, "batchSize": BATCH, "patience": 1000}
    return run_of(root, "FullFineTune", hyperparameters=slow, checkpointSeconds=1)


def start(root: Path, run: Run, pod: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command(root, run), env=environment(pod), start_new_session=True)


def wait_for_checkpoint(run: Run) -> None:
    """Until the first epoch is on the volume; the report is too rare for this on a fast machine."""
    deadline = time.monotonic() + 300
    while not list(Path(run.output_directory).glob("checkpoints/checkpoint-*/trainer_state.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_after_sigterm_the_next_pod_continues_the_step_counter(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    first = start(tmp_path, run, "pod-1")
    wait_for_checkpoint(run)
    first.send_signal(signal.SIGTERM)
    assert first.wait() == EXIT_RESUME
    partial = parse_result((tmp_path / "message.json").read_text())
    assert partial is not None
    assert (partial.outcome, partial.stopped) == (Outcome.CHECKPOINTED, Stopped.SIGNAL)
    assert partial.energy is not None
    code, result = execute(tmp_path, run, pod="pod-2")
    assert (code, result.outcome, result.steps) == (0, Outcome.COMPLETED, STEPS)
    assert [(pod.pod_uid, pod.outcome) for pod in result.earlier] == [("pod-1", Outcome.CHECKPOINTED)]
    assert result.earlier[0].tokens_seen == partial.tokens_seen > 0
    assert result.examples_seen + partial.examples_seen < 1.15 * EPOCHS * LEARNT_FROM
    assert not (Path(run.output_directory) / "checkpoints").exists()


def test_a_pod_stopped_after_the_last_step_leaves_the_next_one_the_count_and_no_training(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    (tmp_path / "run.json").write_text(run.to_json(), encoding="utf-8")
    for _ in range(2):
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        line = ["train", "--run", str(tmp_path / "run.json"), "--report", str(report)]
        subprocess.run([sys.executable, "-m", "coppice.trainer", *line], env=environment("pod-1"), check=True)
    assert (read_report(report).steps, read_report(report).examples_seen) == (STEPS, 0)


def test_after_sigkill_the_next_pod_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    first = start(tmp_path, run, "pod-1")
    wait_for_checkpoint(run)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    code, result = execute(tmp_path, run, pod="pod-2")
    assert (code, result.steps) == (0, STEPS)
    assert [(pod.pod_uid, pod.outcome) for pod in result.earlier] == [("pod-1", Outcome.LOST)]
    assert result.examples_seen < EPOCHS * LEARNT_FROM
