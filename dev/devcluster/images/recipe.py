"""The command lines that build an image from a Dockerfile, shared by Docker and buildah."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def build_options(
    reference: str, dockerfile: Path, target: str | None, build_arguments: Mapping[str, str]
) -> tuple[str, ...]:
    """Options that `docker build` and `buildah build` understand alike."""
    stage = () if target is None else (f"--target={target}",)
    arguments = tuple(f"--build-arg={key}={value}" for key, value in sorted(build_arguments.items()))
    return (f"--file={dockerfile}", f"--tag={reference}", *stage, *arguments)
