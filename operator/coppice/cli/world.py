"""The world a plan is made in: base models, profiles, policies and reports, from the cluster or from directories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from coppice.adapters.clock import SystemClock
from coppice.adapters.counting import can_count, count_network
from coppice.adapters.intensity.static import StaticIntensity
from coppice.adapters.nodes import Nodes
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.cli.cluster import cluster_of
from coppice.cli.documents import MODELS, objects, strictly
from coppice.index import Index
from coppice.index.index import KINDS
from coppice.planning.policy import applicable, resolve
from coppice.planning.resolved import Resolved
from coppice.planning.world import World
from coppice.ports import ClusterError

NO_RULES = TrainingPolicySpec()
SETTINGS = "coppice-settings"
NOT_NEEDED = {"TrainingJob", "TrainingApproval", "Job", "Pod"}


@dataclass(frozen=True)
class Installation:
    """What the operator's installation decides: zone, PUE and the default policy, whether nodes say zones, and which
    live sources of carbon intensity it asks."""

    zone: str = ""
    pue: Decimal = Decimal("1.56")
    default_policy: TrainingPolicySpec = NO_RULES
    intensity: Mapping[str, Any] = field(default_factory=dict)
    zone_from_nodes: bool = False
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """Everything a decision reads, and what could not be read."""

    index: Index
    installation: Installation
    missing: tuple[str, ...] = ()
    nodes: Nodes | None = None

    def resolved(self, job: TrainingJob) -> Resolved:
        """The job with what policies supply."""
        default = self.installation.default_policy
        namespace = job.metadata.namespace or ""
        # Kubernetes itself labels every namespace with its name, whether there is a manifest of it or not.
        labels = {"kubernetes.io/metadata.name": namespace, **self.index.namespace_labels(namespace)}
        return resolve(job.spec, applicable(self.index.policies, labels, default), default)

    def world(self, job: TrainingJob) -> World:
        """The world as the job's namespace sees it."""
        now = datetime.now(UTC)
        intensity = StaticIntensity(self.installation.intensity)
        return World(
            catalogue=self.index.catalogue,
            profiles=self.index.profiles,
            intensity=lambda zone: intensity.current(zone, now),
            default_zone=self.installation.zone,
            pue=self.installation.pue,
            reports=self.index.reports(job.metadata.namespace or ""),
            software_version=version("coppice"),
            count=count_network if can_count() else None,
            history=self.index.history,
            whereabouts=self.nodes.whereabouts(self.index.profiles) if self.nodes else {},
        )


def from_directories(paths: Sequence[Path], installation: Installation) -> Catalogue:
    """The world that manifests describe; base models without a Ready condition count as ready if they could be."""
    index, missing = Index(SystemClock()), []
    seen: dict[tuple[str, str, str], Any] = {}
    for number, body in enumerate(objects(paths), start=1):
        kind = body["kind"]
        if kind in NOT_NEEDED:
            continue
        if kind in MODELS:
            strictly(MODELS[kind], body, "the catalogue")
        stored = _stored(body, number)
        key = kind, stored["metadata"].get("namespace", ""), stored["metadata"]["name"]
        if seen.setdefault(key, body.get("spec")) != body.get("spec"):
            missing.append(f"{kind} {key[2]}: of several with that name only the last one counts")
        index.put(kind, stored)
    return Catalogue(index=index, installation=installation, missing=tuple(missing))


async def from_cluster(kubeconfig: str | None, operator_namespace: str, given: Installation | None) -> Catalogue:
    """The world as the cluster holds it now; kinds that the user may not list are left out and named.

    The installation's zone, PUE and default policy are read from its settings, unless they are `given`.
    """
    async with cluster_of(kubeconfig) as cluster:
        index, missing = Index(SystemClock()), []
        for kind in KINDS:
            if kind in NOT_NEEDED:
                continue
            try:
                bodies, list_version = await cluster.list(kind)
            except ClusterError as error:
                missing.append(f"{kind}: {error}")
                continue
            index.put_list(kind, bodies, int(list_version))
        installation = given
        if installation is None:
            settings = await cluster.get("ConfigMap", operator_namespace, SETTINGS)
            installation = installed(settings["data"]) if settings else Installation()
            missing += (
                [] if settings else [f"ConfigMap {operator_namespace}/{SETTINGS}: the chart's defaults are assumed"]
            )
        nodes = Nodes(cluster, installation.zone, installation.intensity)
        if installation.zone_from_nodes:
            try:
                nodes.put_list((await cluster.list("Node"))[0])
            except ClusterError as error:
                missing.append(f"Node: {error}; zones that profiles do not name are the installation's: see --zone")
        return Catalogue(index, installation, tuple(missing), nodes)


def installed(settings: Mapping[str, str]) -> Installation:
    """What the chart's settings say."""
    values = yaml.safe_load(settings.get("accounting.yaml", "")) or {}
    policy = TrainingPolicySpec.model_validate(yaml.safe_load(settings["policy.yaml"]) or {})
    zones = yaml.safe_load(settings.get("intensity.yaml", "")) or {}
    live = yaml.safe_load(settings.get("intensity-sources.yaml", "")) or {}
    return Installation(
        zone=str(values.get("zone") or ""),
        pue=Decimal(str(values.get("pue", "1.56"))),
        default_policy=policy,
        intensity=zones,
        zone_from_nodes=bool(values.get("zoneFromNodes")),
        sources=tuple(str(one.get("type")) for one in live.get("providers") or ()),
    )


def _stored(body: dict[str, Any], number: int) -> dict[str, Any]:
    """A manifest as the API server would hold it: with a version, and namespaced kinds in a namespace."""
    metadata = {"resourceVersion": str(number), "uid": f"file-{number}", **body.get("metadata", {})}
    if body["kind"] in {"BaseModel", "TrainingReport"}:
        metadata.setdefault("namespace", "default")
    return {**body, "metadata": metadata}
