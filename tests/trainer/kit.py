"""Tiny models, tiny data and runs over them, so that a whole attempt takes seconds."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from coppice.api.result import Result, parse_result
from coppice.api.run import FileSource, Run
from coppice.trainer.files import sha256_of

TOPICS = {
    "grain": ["wheat", "corn", "harvest", "tonnes", "crop", "export"],
    "crude": ["oil", "barrel", "opec", "refinery", "crude", "output"],
    "money": ["dollar", "bank", "rate", "yen", "reserve", "currency"],
}
FILLER = ["the", "of", "said", "will", "year", "new", "company", "market", "mln"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *FILLER, *(word for words in TOPICS.values() for word in words)]
BERT = {
    "model_type": "bert",
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "initializer_range": 0.1,
}
VIT = {
    "model_type": "vit",
    "image_size": 8,
    "patch_size": 4,
    "num_channels": 1,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def text_rows(count: int, seed: int) -> dict[str, list[Any]]:
    """Sentences whose topic words give the label away."""
    dice = random.Random(seed)
    labels = [dice.choice(sorted(TOPICS)) for _ in range(count)]
    texts = [" ".join(dice.choices(FILLER, k=2) + dice.choices(TOPICS[label], k=6)) for label in labels]
    return {"text": texts, "label": labels}


def image_rows(count: int, seed: int) -> dict[str, list[Any]]:
    """Flat 8 x 8 pictures from 0 to 16: stripes across, stripes down, or slanting."""
    dice = random.Random(seed)
    rows: dict[str, list[Any]] = {"image": [], "label": []}
    for _ in range(count):
        label = dice.randrange(3)
        bright = [lambda y, _: y % 2, lambda _, x: x % 2, lambda y, x: (x + y) % 4 > 1][label]
        places = [(y, x) for y in range(8) for x in range(8)]
        rows["image"].append([float(dice.randint(9, 16) if bright(y, x) else dice.randint(0, 4)) for y, x in places])
        rows["label"].append(label)
    return rows


def write_parquet(path: Path, rows: dict[str, list[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(rows), path)
    return path


def write_text_model(directory: Path, **config: Any) -> Path:
    """A random BERT with a word tokenizer, as a base model without a head."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(3)
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    BertModel(BertConfig(**{**BERT, **config})).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def write_image_model(directory: Path, labels: tuple[str, ...] = ("a", "b")) -> Path:
    """A random ViT for 8 x 8 pictures with a head of its own."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(3)
    config = ViTConfig(**VIT, id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)})
    ViTForImageClassification(config).save_pretrained(directory)
    return directory


def sources(directory: Path, uri: str) -> list[dict[str, Any]]:
    """A file list as the operator writes it."""
    return [
        {"name": path.name, "uri": f"{uri}/{path.name}", "digest": sha256_of(path), "sizeBytes": path.stat().st_size}
        for path in sorted(directory.iterdir())
        if path.is_file()
    ]


def run_of(root: Path, method: str, *, task: str = "text-classification", **changes: Any) -> Run:
    """A run whose base model and data were fetched already: root/base and root/data."""
    base = root / "base"
    values: dict[str, Any] = {
        "jobUid": "0a1b2c3d-0000",
        "jobName": "topics",
        "namespace": "research",
        "attempt": 1,
        "kind": "Train",
        "rungs": [{"method": method, "hyperparameters": changes.pop("hyperparameters", {})}],
        "task": task,
        "dataset": {
            "format": "Parquet",
            "train": {"name": "train.parquet", "uri": "pvc://corpora/train.parquet"},
            "evaluation": {"name": "test.parquet", "uri": "pvc://corpora/test.parquet"},
            "directory": str(root / "data"),
        },
        "objective": {"metric": "Accuracy", "direction": "Maximize"},
        "outputDirectory": str(root / "output" / "0a1b2-1"),
        "meter": {"hostIdleWatts": "20", "hostPeakWatts": "100", "hostCores": 4},
    }
    if base.is_dir():
        values["rungs"][0]["baseModel"] = {
            "name": "tiny",
            "license": "apache-2.0",
            "directory": str(base),
            "files": sources(base, "pvc://models/tiny"),
        }
    values.update(changes)
    return Run.model_validate(values)


def data_source(path: Path, uri: str) -> FileSource:
    return FileSource(name=path.name, uri=uri, digest=sha256_of(path), size_bytes=path.stat().st_size)


def command(root: Path, run: Run, name: str = "run") -> list[str]:
    """The command line of the trainer for this run."""
    run_file = root / "run.json"
    run_file.write_text(run.to_json(), encoding="utf-8")
    (root / "work").mkdir(exist_ok=True)
    return [
        *(sys.executable, "-m", "coppice.trainer", name, "--run", str(run_file), "--work", str(root / "work")),
        *("--termination-log", str(root / "message.json")),
    ]


def execute(root: Path, run: Run, *, pod: str = "pod-1", name: str = "run") -> tuple[int, Result]:
    """Runs the trainer as its pod would, and reads its last word."""
    done = subprocess.run(command(root, run, name), env=environment(pod), capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout[-4000:] + done.stderr[-4000:])
    result = parse_result((root / "message.json").read_text(encoding="utf-8"))
    assert result is not None
    return done.returncode, result


def environment(pod: str) -> dict[str, str]:
    """A pod's environment."""
    return {**os.environ, "POD_UID": pod, "JOB_COMPLETION_INDEX": "0", "OMP_NUM_THREADS": "1"}


def card_of(model: Path) -> str:
    return (model / "README.md").read_text(encoding="utf-8")


def config_of(model: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((model / "config.json").read_text(encoding="utf-8"))
    return content
