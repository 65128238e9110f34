"""What the main container answers, with stand-ins for training and evaluation that do in no time what matters."""

import json
import sys
from pathlib import Path

import pytest

from coppice.api.result import Outcome, Reason, Result, parse_result
from coppice.api.run import Run
from coppice.trainer.fetch_usage import write_fetch_usage
from coppice.trainer.supervise import Supervisor, Surroundings
from trainer.kit import run_of

TRAIN = """
import json, os, pathlib, sys
command = sys.argv[1]
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
run = json.loads(pathlib.Path(options["--run"]).read_text())
model = pathlib.Path(run["outputDirectory"]) / "model"
log = pathlib.Path(run["outputDirectory"]).parent / "log"
log.open("a").write(command + "\\n")
report = {"steps": 5, "tokensSeen": 100, "examplesSeen": 10}
if command == "train":
    model.mkdir(parents=True, exist_ok=True)
    (model / "model.safetensors").write_text("weights")
    %(train)s
else:
    report = {"quality": "0.95", "n": 100, "standardError": "0.02"}
    %(evaluate)s
pathlib.Path(options["--report"]).write_text(json.dumps(report))
sys.exit(code if "code" in globals() else 0)
"""


class Pods:
    """Pods of one attempt over one volume."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "work").mkdir()
        (root / "output").mkdir()
        self.run = run_of(root, "FullFineTune")

    def start(
        self, pod: str = "pod-1", *, train: str = "pass", evaluate: str = "pass", index: int = 0
    ) -> tuple[int, Result]:
        program, run_file, message = self.root / "child.py", self.root / "run.json", self.root / "message.json"
        program.write_text(TRAIN % {"train": train, "evaluate": evaluate})
        run_file.write_text(self.run.to_json())
        child = (sys.executable, str(program))
        supervisor = Supervisor(self.run, run_file, Surroundings(pod, index, self.root / "work", message, child))
        code = supervisor.execute()
        supervisor.meter._beat()  # a sign of life that comes late
        result = parse_result(message.read_text())
        assert result is not None
        return code, result

    @property
    def log(self) -> list[str]:
        return (self.root / "output/log").read_text().split()

    def final(self) -> Result | None:
        return parse_result((Path(self.run.output_directory) / "result.json").read_text())


@pytest.fixture
def pods(tmp_path: Path) -> Pods:
    return Pods(tmp_path)


def test_the_result_has_quality_digests_and_energy_and_stands_on_the_volume(pods: Pods) -> None:
    write_fetch_usage(pods.root / "work", 1e9, 1.0, 3.0)
    code, result = pods.start()
    assert (code, result.outcome, str(result.quality), result.n) == (0, Outcome.COMPLETED, "0.95", 100)
    assert (result.steps, result.tokens_seen) == (5, 100)
    assert result.model is not None
    assert [file.name for file in result.model.files] == ["model.safetensors"]
    assert result.cpu_seconds is not None
    assert result.cpu_seconds >= 3
    assert result.energy is not None
    assert pods.final() == result
    last = parse_result((Path(pods.run.output_directory) / "pods/pod-1.json").read_text())
    assert last is not None
    assert last.outcome is Outcome.COMPLETED


def test_a_restarted_container_emits_its_result_again(pods: Pods) -> None:
    first = pods.start()
    assert pods.start() == first
    assert pods.log == ["train", "evaluate"]


def test_another_pod_emits_the_result_with_its_own_account_and_the_earlier_one(pods: Pods) -> None:
    pods.start("pod-1")
    code, again = pods.start("pod-2")
    assert (code, again.pod_uid, str(again.quality)) == (0, "pod-2", "0.95")
    assert again.tokens_seen == 0
    assert [(pod.pod_uid, pod.tokens_seen) for pod in again.earlier] == [("pod-1", 100)]
    assert pods.log == ["train", "evaluate"]


def test_a_result_of_another_life_of_the_name_is_not_believed(pods: Pods) -> None:
    pods.start()
    pods.run = pods.run.model_copy(update={"job_uid": "another"})
    _, result = pods.start("pod-2")
    assert result.earlier == ()
    assert pods.log == ["train", "evaluate"] * 2


def test_a_model_that_changes_while_it_is_evaluated_has_no_quality(pods: Pods) -> None:
    code, result = pods.start(evaluate='(model / "model.safetensors").write_text("better weights")')
    assert (code, result.outcome, result.quality) == (77, Outcome.FAILED, None)
    assert result.errors[0].reason is Reason.MODEL_CHANGED


@pytest.mark.parametrize("added", ["extra.json", "README.md"])
def test_a_file_added_while_it_is_evaluated_is_a_change_too(pods: Pods, added: str) -> None:
    _, result = pods.start(evaluate=f'(model / "{added}").write_text("x")')
    assert result.errors[0].reason is Reason.MODEL_CHANGED


def test_after_training_a_new_pod_only_evaluates(pods: Pods) -> None:
    pods.start("pod-1", evaluate="os.kill(os.getpid(), 9)")
    _, result = pods.start("pod-2")
    assert pods.log == ["train", "evaluate", "evaluate"]
    assert (result.outcome, result.steps, result.tokens_seen) == (Outcome.COMPLETED, 5, 0)


@pytest.mark.parametrize(
    ("train", "code", "reason"),
    [
        ("os.kill(os.getpid(), 9)", 71, Reason.OUT_OF_MEMORY),
        ("sys.exit(3)", 1, Reason.INTERNAL),
        ('report["fault"] = {"reason": "MissingColumn", "message": "no column"}; code = 65', 65, Reason.MISSING_COLUMN),
        (
            'report["fault"] = {"reason": "AcceleratorFault", "message": "Xid"}; code = 200',
            200,
            Reason.ACCELERATOR_FAULT,
        ),
    ],
)
def test_a_failed_child_gives_its_reason_and_the_pod_its_account(
    pods: Pods, train: str, code: int, reason: Reason
) -> None:
    got, result = pods.start(train=train)
    assert (got, result.outcome, result.errors[0].reason) == (code, Outcome.FAILED, reason)
    assert result.cpu_seconds is not None


def test_a_child_that_checkpointed_makes_the_pod_ask_for_another(pods: Pods) -> None:
    code, result = pods.start(train="code = 75")
    assert (code, result.outcome, result.steps) == (75, Outcome.CHECKPOINTED, 5)
    _, result = pods.start("pod-2")
    assert [(pod.pod_uid, pod.outcome) for pod in result.earlier] == [("pod-1", Outcome.CHECKPOINTED)]


def test_a_second_index_says_that_one_pod_is_all_it_can_do(pods: Pods) -> None:
    code, result = pods.start(index=1)
    assert (code, result.errors[0].reason) == (64, Reason.UNSUPPORTED)


def test_the_time_left_shrinks_by_what_earlier_pods_used(pods: Pods) -> None:
    limits = pods.run.limits.model_copy(update={"run_seconds": 100})
    pods.run = pods.run.model_copy(update={"limits": limits})
    write_fetch_usage(pods.root / "work", 1.0, 1.0, 0.1)
    before: Run = pods.run
    tell = 'pathlib.Path(run["outputDirectory"]).parent.joinpath("left").write_text(options["--seconds-left"])'
    (pods.root / "work/fetch-usage.json").unlink()
    pods.start("pod-1", train=f"{tell}; code = 75")
    assert 95 <= int((pods.root / "output/left").read_text()) <= 100
    used = Path(before.output_directory) / "pods/pod-1.json"
    used.write_text(json.dumps({**json.loads(used.read_text()), "runSeconds": "60"}))
    pods.start("pod-2", train=tell)
    assert 35 <= int((pods.root / "output/left").read_text()) <= 40
