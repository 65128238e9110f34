"""The files that the chart mounts: the default policy and the intensity overrides.

They are read strictly. A misspelt field in the rules of an organisation must stop the start, not be ignored.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.index.jobs import sentence_of


class BadFile(Exception):
    """A settings file cannot be read; the message names it and says what to change."""


def default_policy(path: Path | None) -> TrainingPolicySpec:
    """The spec of the default policy; without a file one that restricts nothing and allows no host."""
    try:
        return TrainingPolicySpec.model_validate(read_yaml(path), extra="forbid")
    except ValidationError as error:
        raise BadFile(f"the default policy {path} is not a TrainingPolicy spec: {sentence_of(error)}") from error


def read_yaml(path: Path | None) -> dict[str, Any]:
    """A YAML mapping; empty without a path or for an empty file."""
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadFile(f"{path} must hold a YAML mapping, not a {type(content).__name__}")
    return content
