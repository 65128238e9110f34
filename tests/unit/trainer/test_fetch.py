"""The fetch step brings only what is listed, whole and verified, and leaves nothing behind of what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from coppice.api.result import Reason
from coppice.api.run import Run
from coppice.trainer.faults import TrainerError
from coppice.trainer.fetch import fault_file, fetch
from coppice.trainer.fetch_usage import read_fetch_usage
from coppice.trainer.files import sha256_of
from coppice.trainer.sources import Places

SAFETENSORS = (2).to_bytes(8, "little") + b"{}"


class World:
    """A pod's file system: a claim with a model, another with data, one fixed root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.model = root / "claims/models/tiny"
        self.image = root / "image/models/tiny"
        for directory in (self.model, self.image):
            directory.mkdir(parents=True)
            (directory / "config.json").write_text('{"model_type": "bert"}')
            (directory / "model.safetensors").write_bytes(SAFETENSORS)
        self.data = root / "claims/corpora/train.csv"
        self.data.parent.mkdir()
        self.data.write_text("text,label\na,b\n")
        self.places = Places(claims=root / "claims", file_roots=(root / "image/models",))

    def listed(self, name: str, uri: str | None = None, **changes: Any) -> dict[str, Any]:
        path = self.model / name
        known = {"digest": sha256_of(path), "sizeBytes": path.stat().st_size} if path.is_file() else {}
        return {
            "name": name,
            "uri": uri or f"pvc://models/tiny/{name}",
            "digest": "sha256:" + "0" * 64,
            **known,
            **changes,
        }

    def run(self, *files: dict[str, Any], method: str = "LinearProbe", **data: Any) -> Run:
        base = {"name": "tiny", "directory": str(self.root / "work/models/tiny"), "files": files}
        train = {"name": "train.csv", "uri": "pvc://corpora/train.csv", **data}
        return Run.model_validate(
            {
                "jobUid": "u",
                "jobName": "topics",
                "namespace": "research",
                "attempt": 1,
                "kind": "Train",
                "rungs": [{"method": method, "baseModel": base}] if method != "FromScratch" else [{"method": method}],
                "task": "text-classification",
                "dataset": {"format": "CSV", "train": train, "directory": str(self.root / "work/data")},
                "objective": {"metric": "Accuracy", "direction": "Maximize"},
                "outputDirectory": str(self.root / "output"),
                "fromScratch": {"config": {}, "tokenizer": base},
            }
        )

    def fetch(self, run: Run) -> None:
        fetch(run, self.root / "work", self.places)

    def fetched(self) -> list[str]:
        directory = self.root / "work/models/tiny"
        return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_verified_files_stand_where_the_run_says(world: World) -> None:
    world.fetch(world.run(world.listed("config.json"), world.listed("model.safetensors")))
    assert world.fetched() == ["config.json", "model.safetensors"]
    assert (world.root / "work/data/train.csv").read_text() == world.data.read_text()


def test_a_claim_that_changes_later_changes_nothing_here(world: World) -> None:
    world.fetch(world.run(world.listed("config.json")))
    (world.model / "config.json").write_text('{"auto_map": {"AutoModel": "evil.Model"}}')
    assert "auto_map" not in (world.root / "work/models/tiny/config.json").read_text()


def test_files_of_the_image_are_linked(world: World) -> None:
    uri = f"file://{world.image}/config.json"
    world.fetch(world.run(world.listed("config.json", uri)))
    assert (world.root / "work/models/tiny/config.json").is_symlink()


def test_only_a_tokenizer_is_brought_where_weights_are_not_wanted(world: World) -> None:
    world.fetch(world.run(world.listed("config.json"), world.listed("model.safetensors"), method="FromScratch"))
    assert world.fetched() == ["config.json"]


def test_a_second_start_finds_verified_files(world: World) -> None:
    run = world.run(world.listed("config.json"))
    world.fetch(run)
    (world.model / "config.json").unlink()
    world.fetch(run)


def test_the_step_leaves_its_own_account(world: World) -> None:
    world.fetch(world.run(world.listed("config.json")))
    started, seconds, cpu_seconds = read_fetch_usage(world.root / "work")
    assert started > 0
    assert seconds > 0
    assert cpu_seconds > 0
    assert read_fetch_usage(world.root) == (float("inf"), 0.0, 0.0)


REFUSED = [
    ({"digest": "sha256:" + "1" * 64}, Reason.DIGEST_MISMATCH),
    ({"digest": None}, Reason.DIGEST_MISMATCH),
    ({"sizeBytes": 1}, Reason.DIGEST_MISMATCH),
    ({"name": "../config.json"}, Reason.UNSAFE_PATH),
    ({"name": "/etc/passwd"}, Reason.UNSAFE_PATH),
    ({"name": "pytorch_model.bin"}, Reason.PICKLE_REFUSED),
    ({"name": "weights.PT"}, Reason.PICKLE_REFUSED),
    ({"name": "modeling_evil.py"}, Reason.REMOTE_CODE_REFUSED),
    ({"uri": "pvc://models/missing.json"}, Reason.SOURCE_MISSING),
    ({"uri": "pvc://models/../corpora/train.csv"}, Reason.UNSAFE_PATH),
    ({"uri": "pvc://models/%2e%2e/corpora/train.csv"}, Reason.UNSAFE_PATH),
    ({"uri": "pvc://models/link.json"}, Reason.UNSAFE_PATH),
    ({"uri": "file:///etc/passwd"}, Reason.UNSAFE_PATH),
    ({"uri": "s3://bucket/config.json"}, Reason.UNSAFE_PATH),
    ({"uri": "http://models.example.org/config.json"}, Reason.UNSAFE_PATH),
    ({"uri": "https://user:word@models.example.org/config.json"}, Reason.UNSAFE_PATH),
    ({"uri": "https://models.example.org/config.json?token=x"}, Reason.UNSAFE_PATH),
    ({"uri": "https://models.example.org/config.json"}, Reason.HOST_DENIED),
]


@pytest.mark.parametrize(("change", "reason"), REFUSED)
def test_a_source_that_breaks_a_rule_is_refused_and_leaves_nothing(
    world: World, change: dict[str, Any], reason: Reason
) -> None:
    (world.root / "claims/models/link.json").symlink_to("/etc/passwd")
    with pytest.raises(TrainerError) as refused:
        world.fetch(world.run({**world.listed("config.json"), **change}))
    assert refused.value.reason is reason
    assert world.fetched() == []


BAD_CONTENT = [
    ("config.json", b'{"auto_map": {"AutoModel": "evil.Model"}}', Reason.REMOTE_CODE_REFUSED),
    ("config.json", b'{"text": {"auto_map": {"AutoModel": "evil.Model"}}}', Reason.REMOTE_CODE_REFUSED),
    ("config.json", b"not json", Reason.BAD_MODEL),
    ("model.safetensors", b"\x80\x04\x95pickle of something", Reason.PICKLE_REFUSED),
    ("model.safetensors", b"PK\x03\x04 a zipped torch file", Reason.PICKLE_REFUSED),
    ("model.safetensors", b"", Reason.PICKLE_REFUSED),
]


@pytest.mark.parametrize(("name", "content", "reason"), BAD_CONTENT)
def test_content_that_could_run_code_is_refused_whatever_its_name(
    world: World, name: str, content: bytes, reason: Reason
) -> None:
    (world.model / name).write_bytes(content)
    with pytest.raises(TrainerError) as refused:
        world.fetch(world.run(world.listed(name)))
    assert refused.value.reason is reason
    assert world.fetched() == []


def test_data_of_one_name_from_two_places_is_refused(world: World) -> None:
    run = world.run(world.listed("config.json"))
    same = run.dataset.model_copy(update={"evaluation": run.dataset.train})
    with pytest.raises(TrainerError) as refused:
        world.fetch(run.model_copy(update={"dataset": same}))
    assert refused.value.reason is Reason.INVALID_RUN


def test_a_wrong_digest_of_data_is_refused(world: World) -> None:
    with pytest.raises(TrainerError) as refused:
        world.fetch(world.run(world.listed("config.json"), digest="sha256:" + "2" * 64))
    assert refused.value.reason is Reason.DIGEST_MISMATCH
    assert not list((world.root / "work/data").iterdir())


def test_configurations_are_json_that_other_tools_read(world: World) -> None:
    world.fetch(world.run(world.listed("config.json")))
    assert json.loads((world.root / "work/models/tiny/config.json").read_text()) == {"model_type": "bert"}


def probe(world: World, *models: list[dict[str, Any]]) -> Run:
    """A probe of as many base models, with evaluation data that does not exist."""
    run = world.run().wire()
    names = [f"model-{number}" for number in range(len(models))]
    bases = [
        {"name": name, "directory": str(world.root / "work/models" / name), "files": files}
        for name, files in zip(names, models, strict=True)
    ]
    run |= {"kind": "Probe", "probe": {"examples": 512, "heldOut": 128}, "fromScratch": None}
    run["rungs"] = [{"method": "LinearProbe", "baseModel": base} for base in bases]
    run["dataset"]["evaluation"] = {"name": "test.csv", "uri": "pvc://corpora/missing.csv"}
    return Run.model_validate(run)


def test_a_probe_gets_every_base_model_and_never_the_evaluation_data(world: World) -> None:
    files = [world.listed("config.json"), world.listed("model.safetensors")]
    world.fetch(probe(world, files, files))
    found = sorted(path.relative_to(world.root / "work").as_posix() for path in world.root.glob("work/*/*"))
    assert found == ["data/train.csv", "models/model-0", "models/model-1"]


def test_a_base_model_that_cannot_be_brought_is_left_out_with_its_reason(world: World) -> None:
    good = [world.listed("config.json"), world.listed("model.safetensors")]
    run = probe(world, [world.listed("config.json", digest="sha256:" + "1" * 64)], good)
    world.fetch(run)
    refused, brought = (rung.base_model for rung in run.rungs)
    assert refused is not None
    assert brought is not None
    assert not Path(refused.directory).exists()
    assert fault_file(refused).read_text().startswith("DigestMismatch: ")
    assert Path(brought.directory, "model.safetensors").exists()
    assert not fault_file(brought).exists()


def test_a_probe_of_which_nothing_can_be_brought_fails(world: World) -> None:
    missing = [world.listed("config.json", uri="pvc://models/tiny/none.json")]
    with pytest.raises(TrainerError) as error:
        world.fetch(probe(world, missing, missing))
    assert error.value.reason is Reason.SOURCE_MISSING
