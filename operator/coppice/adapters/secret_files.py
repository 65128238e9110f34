"""Credentials as files: the keys of a Secret that the chart mounts, read anew each time, because it may be rotated."""

from pathlib import Path

from coppice.adapters.web import Denied


def secret(directory: Path | None, name: str) -> str:
    """The value of a key. Raises Denied where it lacks; the value stands in no error and no log."""
    if directory is None:
        raise Denied
    try:
        return (directory / name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise Denied from error


def bearer(directory: Path | None) -> dict[str, str]:
    """The header for services that may want a token: none where the Secret has no `token`."""
    if directory is None or not (directory / "token").exists():
        return {}
    return {"Authorization": f"Bearer {secret(directory, 'token')}"}


def authority(directory: Path | None) -> Path | None:
    """The Secret's `ca.crt`, if it has one."""
    file = directory / "ca.crt" if directory else None
    return file if file is not None and file.is_file() else None
