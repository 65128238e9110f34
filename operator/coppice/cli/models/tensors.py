"""What the header of a safetensors file tells: parameters, their type, and which of them are input embeddings.

The header stands at the front of the file (8 bytes of length, then JSON; https://github.com/huggingface/safetensors,
"Format"), so a few kilobytes describe gigabytes. It is input from outside: every length is bounded and compared.
"""

import json
import math
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coppice.cli.errors import UsageError

LENGTH_BYTES = 8
MOST_HEADER_BYTES = 32 * 2**20
"""The format allows 100 MB; the largest published headers, of hundreds of thousands of tensors, are a few MB."""
POINTER = b"version "
"""How a git-lfs pointer begins, which some mirrors and clones have in a file's place."""
FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
INPUT_EMBEDDINGS = (
    "word_embeddings.weight",
    "position_embeddings.weight",
    "token_type_embeddings.weight",
    "embed_tokens.weight",
    "embed_positions.weight",
    "embed_in.weight",
    "tok_embeddings.weight",
    "wte.weight",
    "wpe.weight",
    "shared.weight",
)
"""Ends of the names that transformers' models give their look-up tables."""


@dataclass(frozen=True)
class Weights:
    """Elements of floating-point tensors; `dtype` is the type of most of them."""

    parameters: int
    embedding_parameters: int
    expert_parameters: int
    dtype: str


def header_length(start: bytes, name: str) -> int:
    """Bytes of the JSON header, from the file's first 8."""
    if start.startswith(POINTER[:LENGTH_BYTES]):
        raise UsageError(f"{name} is a git-lfs pointer, not the file: run `git lfs pull`, or import from the hub")
    if len(start) < LENGTH_BYTES:
        raise UsageError(f"{name} ends after {len(start)} bytes: it is cut off")
    length: int = struct.unpack("<Q", start[:LENGTH_BYTES])[0]
    if not 2 <= length <= MOST_HEADER_BYTES:
        raise UsageError(f"{name} states a header of {length} bytes (most {MOST_HEADER_BYTES}): no safetensors file")
    return length


def tensors_of(header: bytes, length: int, name: str, size_bytes: int | None) -> Mapping[str, Mapping[str, Any]]:
    """The tensors of a header, compared with its length and with the size of the file."""
    if len(header) < length:
        raise UsageError(f"{name}: {len(header)} of {length} bytes of the header came: the file is cut off")
    try:
        parsed = json.loads(header[:length])
        tensors = {key: value for key, value in parsed.items() if key != "__metadata__"}
        end = max((int(value["data_offsets"][1]) for value in tensors.values()), default=0)
        bad = [key for key, value in tensors.items() if not _plausible(value)]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise UsageError(f"{name}: its header is not that of a safetensors file") from error
    if not tensors or bad:
        raise UsageError(f"{name}: its header names {'no tensors' if not tensors else f'no shape of {bad[0]}'}")
    if size_bytes is not None and LENGTH_BYTES + length + end != size_bytes:
        raise UsageError(f"{name} is {size_bytes} bytes, its header says {LENGTH_BYTES + length + end}: it is cut off")
    return tensors


def weights_of(tensors: Iterable[tuple[str, Mapping[str, Any]]]) -> Weights:
    """Counts over all tensors of a model; integers (positions, quantised parts) are not counted."""
    total = embedded = experts = 0
    types: Counter[str] = Counter()
    for name, tensor in tensors:
        if tensor["dtype"] not in FLOATS:
            continue
        count = math.prod(tensor["shape"])
        total += count
        types[tensor["dtype"]] += count
        embedded += count if name.endswith(INPUT_EMBEDDINGS) else 0
        experts += count if ".experts." in name else 0
    if not total:
        raise UsageError("its weights hold no floating-point tensors: register the model that was quantised instead")
    return Weights(total, embedded, experts, types.most_common(1)[0][0])


def _plausible(tensor: Mapping[str, Any]) -> bool:
    shape = tensor["shape"]
    return isinstance(tensor["dtype"], str) and all(isinstance(side, int) and side >= 0 for side in shape)
