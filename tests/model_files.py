"""A tiny model's files as a hub has them, and a shelf that serves them from memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from coppice.adapters.registries.repository import Facts, MissingFile, RepositoryFile
from hub import safetensors

NAME = "acme/tiny-bert"
CONFIG: dict[str, Any] = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "hidden_size": 4,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "vocab_size": 10,
    "max_position_embeddings": 16,
    "id2label": {"1": "good", "0": "bad"},
}
TENSORS = {
    "bert.embeddings.word_embeddings.weight": ("F32", [10, 4]),
    "bert.embeddings.position_ids": ("I64", [1, 16]),
    "bert.encoder.weight": ("F32", [8, 4]),
}
CARD = {"license": "apache-2.0", "language": ["en", "code"], "pipeline_tag": "text-classification"}
README = b"---\nlicense: mit\nlanguage: de\n---\n# A card\n"


def files(**changes: bytes | None) -> dict[str, bytes]:
    """A repository's files, with some replaced, or left out where they are None; `__` stands for a dot."""
    found: dict[str, bytes | None] = {
        "README.md": README,
        "config.json": json.dumps(CONFIG).encode(),
        "model.safetensors": safetensors(TENSORS),
        "onnx/model.safetensors": b"another format",
        "pytorch_model.bin": b"pickle",
        "tokenizer.json": b"{}",
        "LICENSE": b"Apache License",
    }
    found |= {name.replace("__", "."): data for name, data in changes.items()}
    return {name: data for name, data in found.items() if data is not None}


def config(**changes: object) -> bytes:
    """The configuration with some keys changed."""
    return json.dumps({**CONFIG, **changes}).encode()


@dataclass
class Shelf:
    """A Repository in memory."""

    held: dict[str, bytes]
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        page = f"https://hub.example/{NAME}/blob/abc/{{}}"
        return Facts(NAME, "abc", f"https://hub.example/{NAME}/resolve/abc", page, self.card, page.format("README.md"))

    async def files(self) -> list[RepositoryFile]:
        return [RepositoryFile(name, len(data)) for name, data in sorted(self.held.items())]

    async def read(self, name: str) -> bytes:
        if name not in self.held:
            raise MissingFile(name)
        return self.held[name]

    async def read_range(self, name: str, start: int, length: int) -> bytes:
        return self.held[name][start : start + length]

    async def digest(self, name: str) -> tuple[str, int]:
        return f"sha256:{hashlib.sha256(self.held[name]).hexdigest()}", len(self.held[name])

    async def license_of(self, other: str) -> str | None:
        return {"meta-llama/base": "llama3.1"}.get(other)
