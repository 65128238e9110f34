"""What a pod of an attempt mounts, and where: the file system side of the pod contract.

A claim that is both read and written is one volume with two mounts: some drivers cannot attach a claim twice to a pod.
"""

from collections.abc import Sequence
from typing import Any

from coppice.api.labels import RUN_ANNOTATION
from coppice.api.run import CLAIMS_DIRECTORY, OUTPUT_MOUNT, RUN_FILE, WORK_MOUNT

PREFIX = "coppice-"
"""Of every volume name that Coppice adds; a user's template may not use it."""
RUN, OUTPUT, WORK, TEMPORARY, AUTHORITY = (f"{PREFIX}{part}" for part in ("run", "output", "work", "tmp", "authority"))
AUTHORITY_MOUNT = "/coppice/authority"
AUTHORITY_FILE = f"{AUTHORITY_MOUNT}/ca.crt"

Volume = dict[str, Any]


def contract_volumes(output_claim: str, sources: Sequence[str]) -> list[Volume]:
    """Volumes that every container of the pod contract can rely on: run.json, output, sources."""
    run_item = {"path": "run.json", "fieldRef": {"fieldPath": f"metadata.annotations['{RUN_ANNOTATION}']"}}
    return [
        {"name": RUN, "downwardAPI": {"items": [run_item]}},
        {"name": OUTPUT, "persistentVolumeClaim": {"claimName": output_claim}},
        *(
            {"name": _source_name(number), "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}
            for number, claim in enumerate(sources)
            if claim != output_claim
        ),
    ]


def contract_mounts(output_claim: str, sources: Sequence[str]) -> list[Volume]:
    """Where those volumes stand: run.json and sources read-only, output writable."""
    return [
        {"name": RUN, "mountPath": RUN_FILE, "subPath": "run.json", "readOnly": True},
        {"name": OUTPUT, "mountPath": OUTPUT_MOUNT},
        *_source_mounts(output_claim, sources),
    ]


def fetch_mounts(output_claim: str, sources: Sequence[str]) -> list[Volume]:
    """What the fetch step sees: no output, since it writes only to the work volume."""
    run = {"name": RUN, "mountPath": RUN_FILE, "subPath": "run.json", "readOnly": True}
    return [run, *_source_mounts(output_claim, sources), *scratch_mounts()]


def scratch_volumes(authority: str) -> list[Volume]:
    """Room that goes with the pod; `authority` is a ConfigMap with ca.crt, or empty."""
    volumes: list[Volume] = [{"name": WORK, "emptyDir": {}}, {"name": TEMPORARY, "emptyDir": {}}]
    if authority:
        items = [{"key": "ca.crt", "path": "ca.crt"}]
        volumes.append({"name": AUTHORITY, "configMap": {"name": authority, "items": items}})
    return volumes


def scratch_mounts() -> list[Volume]:
    """Work directory and /tmp: the root file system is read-only."""
    return [{"name": WORK, "mountPath": WORK_MOUNT}, {"name": TEMPORARY, "mountPath": "/tmp"}]  # noqa: S108 - of the pod


def authority_mounts(authority: str) -> list[Volume]:
    """The certificate authority of private hosts, where a policy names one."""
    return [{"name": AUTHORITY, "mountPath": AUTHORITY_MOUNT, "readOnly": True}] if authority else []


def _source_mounts(output_claim: str, sources: Sequence[str]) -> list[Volume]:
    return [
        {
            "name": OUTPUT if claim == output_claim else _source_name(number),
            "mountPath": f"{CLAIMS_DIRECTORY}/{claim}",
            "readOnly": True,
        }
        for number, claim in enumerate(sources)
    ]


def _source_name(number: int) -> str:
    return f"{PREFIX}source-{number}"
