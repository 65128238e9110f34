"""Which of a repository's files belong to the model: safetensors weights, tokenizer, configuration, licence.

Repositories keep one model in many formats; everything listed is fetched and verified by every job, so only what
transformers reads is listed. Pickled weights can run code and are never listed.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from coppice.adapters.registries.repository import RepositoryFile
from coppice.cli.errors import UsageError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_model.safetensors"
COMPANIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
    "*.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    "modules.json",
    "1_Pooling/config.json",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
)
"""What goes along with the weights; LICENSE and NOTICE because many licences ask to ship them."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt", "*.h5", "*.joblib")
MOST_FILES = 128


def weights(files: Sequence[RepositoryFile], name: str) -> list[str]:
    """The one safetensors file, or the index of several. Raises UsageError where there is neither."""
    names = {file.name for file in files}
    for wanted in (INDEX, SINGLE):
        if wanted in names:
            return [wanted]
    if ADAPTER in names:
        raise UsageError(f"{name} holds an adapter and no model: import the model that it was made for")
    single = sorted(file for file in names if file.endswith(".safetensors") and "/" not in file)
    if len(single) == 1:
        return single
    pickled = sorted(file for file in names if any(fnmatchcase(file, pattern) for pattern in PICKLES))
    if pickled:
        raise UsageError(
            f"{name} publishes its weights as {pickled[0]} only, which can run code when it is loaded; convert them "
            "with save_pretrained(safe_serialization=True) and import the directory"
        )
    raise UsageError(f"{name} holds no {SINGLE}: it is no model that the trainer can load")


def shards(index: bytes, files: Collection[str], name: str) -> list[str]:
    """The files that an index names. Raises UsageError where one is missing."""
    try:
        parsed: Mapping[str, Any] = json.loads(index)
        named = sorted(set(parsed["weight_map"].values()))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{name}: {INDEX} is no index of shards") from error
    missing = [shard for shard in named if shard not in files]
    if missing or not named:
        raise UsageError(f"{name}: {INDEX} names {missing[0] if missing else 'no shard'}, which is not there")
    return named


def listed(files: Sequence[RepositoryFile], weight_files: Collection[str], name: str) -> list[RepositoryFile]:
    """The weights and what goes along with them, by name."""
    kept = [file for file in files if file.name in weight_files or _goes_along(file.name)]
    if len(kept) > MOST_FILES:
        raise UsageError(f"{name}: its model has {len(kept)} files, and a BaseModel lists at most {MOST_FILES}")
    return kept


def _goes_along(name: str) -> bool:
    return any(fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in COMPANIONS)
