"""Files that are never loaded: pickles, code, and configurations that ask for code.

A pickle can run anything when it is read, and `auto_map` names Python files to import. Both are refused by name before
a byte is fetched, and by content after: a pickle renamed to .safetensors is still a pickle.
"""

import json
import re
from pathlib import Path, PurePosixPath

from coppice.api.basemodel import FILE_NAME_PATTERN
from coppice.api.result import Reason
from coppice.trainer.faults import TrainerError

PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".joblib", ".msgpack", ".npy"})
CODE_SUFFIXES = frozenset({".py", ".pyc", ".so", ".sh"})
_HEADER_LIMIT_BYTES = 100 << 20


def check_name(name: str) -> None:
    """Refuses a name that leaves its directory, weights that can run code, and code."""
    if not re.fullmatch(FILE_NAME_PATTERN, name):
        raise TrainerError(Reason.UNSAFE_PATH, f"{name!r} is no plain path below its directory")
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in PICKLE_SUFFIXES:
        raise TrainerError(
            Reason.PICKLE_REFUSED, f"{name}: weights in this format can run code; convert to safetensors"
        )
    if suffix in CODE_SUFFIXES:
        raise TrainerError(Reason.REMOTE_CODE_REFUSED, f"{name}: a base model brings no code of its own")


def check_content(path: Path, name: str) -> None:
    """Refuses a safetensors file that is none, and a JSON file that maps classes to code."""
    if name.endswith(".safetensors"):
        _check_safetensors(path, name)
    elif name.endswith(".json"):
        _check_json(path, name)


def _check_safetensors(path: Path, name: str) -> None:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        start = stream.read(1)
    if start != b"{" or length > min(_HEADER_LIMIT_BYTES, path.stat().st_size):
        raise TrainerError(Reason.PICKLE_REFUSED, f"{name} is not a safetensors file, whatever its name says")


def _check_json(path: Path, name: str) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainerError(Reason.BAD_MODEL, f"{name} is not JSON: {error}") from error
    if _asks_for_code(content):
        raise TrainerError(Reason.REMOTE_CODE_REFUSED, f"{name} has auto_map: the model needs code of its own")


def _asks_for_code(content: object) -> bool:
    if isinstance(content, dict):
        if content.get("auto_map") or content.get("trust_remote_code") or content.get("custom_pipelines"):
            return True
        return any(_asks_for_code(value) for key, value in content.items() if key not in {"vocab", "model"})
    return False
