"""The only loop: observe one key, decide, act, in that order, until nothing is left to do.

Every error is for somebody: what the API server will never take becomes a condition on the job, what may pass later
goes back to the queue, and what somebody else wrote first is observed again. Process counters move last, after the
writes they count.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from coppice.accounting.budget import BudgetExhausted, others, reserved_by
from coppice.accounting.calendar import month_of
from coppice.accounting.zone import zones_of
from coppice.api.labels import JOB_UID_LABEL
from coppice.api.reasons import StateReason
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.index import Index, Key
from coppice.lifecycle import Observed, Plan, decide, settle_deleted, situation_of
from coppice.lifecycle.blocked import blocked, unreadable
from coppice.planning.policy import applicable, resolve
from coppice.planning.world import World
from coppice.ports import (
    AlreadyExists,
    Clock,
    Cluster,
    Conflict,
    Forbidden,
    IntensityProvider,
    Ledger,
    Meters,
    Nodes,
    NotFound,
    Refused,
)
from coppice.readiness import reconcile_base_model
from coppice.workloads.images import Images
from coppice.workloads.names import second_report_name
from coppice.workloads.seen import SeenChild, SeenPod

JOB = "TrainingJob"


@dataclass(frozen=True)
class Settings:
    """What the installation decides for every job."""

    images: Images
    default_policy: TrainingPolicySpec
    default_zone: str
    pue: Decimal
    software_version: str


class Counters(Protocol):
    """Process counters; they move after the writes."""

    def decided(self, reason: str, rejected: Mapping[str, int]) -> None:
        """A decision was frozen."""


class Reconciler:
    """Observe, decide, act."""

    def __init__(
        self,
        cluster: Cluster,
        ledger: Ledger,
        index: Index,
        intensity: IntensityProvider,
        clock: Clock,
        settings: Settings,
        counters: Counters,
        meters: Meters | None = None,
        nodes: Nodes | None = None,
    ) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._index = index
        self._intensity = intensity
        self._clock = clock
        self._settings = settings
        self._counters = counters
        self._meters = meters
        self._nodes = nodes

    async def reconcile(self, key: Key) -> float | None:
        """One pass over one key; returns the seconds until it must be looked at again without news, or None."""
        if key.kind != JOB:
            return await reconcile_base_model(self._cluster, self._index, key, self._clock.now())
        await self._know_nodes(key)
        rechecks = [await self._settle(key, job) for job in self._index.departed(key)]
        rechecks.append(await self._pass(key))
        return min((seconds for seconds in rechecks if seconds is not None), default=None)

    async def _know_nodes(self, key: Key) -> None:
        """Look up nodes that pods of the key's jobs ran on and that were not seen yet."""
        if self._nodes is not None:
            job = self._index.job(key)
            jobs = [*self._index.departed(key), *([job] if job else [])]
            await self._nodes.know(pod.node for one in jobs for pod in self._index.pods(one.metadata.uid))

    async def _pass(self, key: Key) -> float | None:
        error = self._index.error(key)
        if error is not None:
            await self._write_status(key, unreadable(self._index.body(key) or {}, error, self._clock.now()))
            return None
        job = self._index.job(key)
        if job is None:
            return None
        try:
            observed = self.observe(job)
            plan = decide(observed)
        except Exception as fault:
            # A fault of ours must not be silent: the job says so, and the queue tries again.
            text = f"{type(fault).__name__}: {fault}"
            await self._write_status(key, unreadable(self._index.body(key) or {}, text, self._clock.now()))
            raise
        try:
            await self._act(key, job, plan)
        except BudgetExhausted as exhausted:
            plan = decide(replace(observed, exhausted=exhausted))
            await self._act(key, job, plan)
        except _NotRegistered as obstacle:
            plan = decide(replace(observed, register_obstacle=str(obstacle)))
            await self._act(key, job, plan)
        except (Refused, Forbidden) as refusal:
            if not plan.create:
                raise
            return await self._blocked(key, observed, plan, StateReason.CREATE_REFUSED, str(refusal))
        except _ForeignChild as conflict:
            return await self._blocked(key, observed, plan, StateReason.CHILD_CONFLICT, str(conflict))
        return plan.recheck_seconds

    async def _settle(self, key: Key, job: TrainingJob) -> float | None:
        plan = settle_deleted(situation_of(self.observe(job)))
        if plan.recheck_seconds is not None:
            return plan.recheck_seconds
        namespace = job.metadata.namespace or ""
        if plan.settlement is not None:
            await self._ledger.settle(namespace, plan.settlement)
        if plan.report is not None:
            # A namespace that is being deleted takes no report; the ledger has the totals.
            await self._create_once(plan.report.wire(), job, tolerate=(Forbidden, NotFound))
        if plan.withdraw:
            await self._ledger.withdraw(namespace, job.metadata.uid)
        if plan.prune:
            await self._ledger.prune(namespace, job.metadata.uid)
        self._index.forget(key, job.metadata.uid)
        return None

    def observe(self, job: TrainingJob) -> Observed:
        """Everything known about a job now, as one value."""
        namespace = job.metadata.namespace or ""
        default = self._settings.default_policy
        policies = applicable(self._index.policies, self._index.namespace_labels(namespace), default)
        now = self._clock.now()
        # Labels are anybody's to set; only what our own controller reference leads to is taken for ours.
        children = tuple(child for child in self._index.children(job.metadata.uid) if _ours(child, job))
        owners = {child.uid for child in children}
        resolved = resolve(job.spec, policies, default)
        grid, profiles, zone = self._intensity.grid, self._index.profiles, self._settings.default_zone
        whereabouts = self._nodes.whereabouts(profiles) if self._nodes else {}
        return Observed(
            now=now,
            job=job,
            children=children,
            pods=tuple(self._placed(pod) for pod in self._index.pods(job.metadata.uid) if pod.owner_uid in owners),
            resolved=resolved,
            world=World(
                catalogue=self._index.catalogue,
                profiles=profiles,
                intensity=grid.prices(now, zones_of(profiles, zone, whereabouts)),
                default_zone=zone,
                pue=self._settings.pue,
                reports=self._index.reports(namespace),
                software_version=self._settings.software_version,
                history=self._index.history,
                whereabouts=whereabouts,
            ),
            images=self._settings.images,
            grid=grid,
            meters=self._meters.readings if self._meters else None,
            register_obstacle=self._name_taken_by(job),
            namespace_seen=self._index.knows_namespace(namespace),
            approvals=self._index.approvals(namespace, job.metadata.name),
            # Thousands of entries to add up, and only the pass that settles the job wants to know.
            others=None
            if resolved.budgets is None
            else partial(others, self._ledger.pages(namespace), job.metadata.uid, month_of(now)),
            held=partial(reserved_by, self._ledger.pages(namespace), job.metadata.uid),
        )

    def _placed(self, pod: SeenPod) -> SeenPod:
        zone = self._nodes.zone(pod.node) if self._nodes else ""
        return replace(pod, zone=zone) if zone else pod

    def _name_taken_by(self, job: TrainingJob) -> str | None:
        register = job.spec.register_as
        if register is None:
            return None
        model = self._index.base_model(Key("BaseModel", job.metadata.namespace or "", register.name))
        if model is None or model.metadata.labels.get(JOB_UID_LABEL) == job.metadata.uid:
            return None
        made_by = model.spec.lineage.job if model.spec.lineage else ""
        return f"made by TrainingJob {made_by}" if made_by else "not made by a TrainingJob"

    async def _act(self, key: Key, job: TrainingJob, plan: Plan) -> None:
        namespace = job.metadata.namespace or ""
        if plan.open_entry is not None:
            await self._ledger.open(namespace, plan.open_entry, plan.budget)
        if plan.release is not None:
            await self._ledger.release(namespace, job.metadata.uid, plan.release)
        for manifest in plan.create:
            await self._create_child(manifest, job)
        for child, suspended in plan.suspend:
            body = await self._cluster.suspend(child.kind, namespace, child.name, child.uid, suspended)
            self._index.put(child.kind, body)
        await self._close(namespace, job, plan)
        if plan.status is not None:
            await self._write_status(key, plan.status.wire())
        if plan.prune:
            await self._ledger.prune(namespace, job.metadata.uid)
        if plan.withdraw:
            await self._ledger.withdraw(namespace, job.metadata.uid)
        for event in plan.events:
            await self._cluster.emit(self._index.body(key) or job.wire(), event)
        if plan.decided is not None:
            self._counters.decided(*plan.decided)

    async def _close(self, namespace: str, job: TrainingJob, plan: Plan) -> None:
        if plan.register is not None:
            try:
                await self._create_once(plan.register.wire(), job)
            except (AlreadyExists, Refused) as refusal:
                raise _NotRegistered(str(refusal)) from refusal
        if plan.settlement is not None:
            await self._ledger.settle(namespace, plan.settlement)
        if plan.report is not None:
            try:
                await self._create_once(plan.report.wire(), job)
            except AlreadyExists:
                second = plan.report.under(second_report_name(job.metadata.name, job.metadata.uid))
                await self._create_once(second.wire(), job)

    async def _create_child(self, manifest: dict[str, Any], job: TrainingJob) -> None:
        kind = manifest["kind"]
        try:
            body = await self._cluster.create(manifest)
        except AlreadyExists as conflict:
            body = dict(conflict.existing)
            if kind != "PersistentVolumeClaim" and not _owned_by(body, job.metadata.uid):
                name = body["metadata"]["name"]
                raise _ForeignChild(f"{kind} {name} exists and belongs to another owner; delete or rename it") from None
        if kind == "Job":
            self._index.put(kind, body)

    async def _create_once(
        self, manifest: dict[str, Any], job: TrainingJob, tolerate: tuple[type[Exception], ...] = ()
    ) -> None:
        try:
            body = await self._cluster.create(manifest)
        except AlreadyExists as conflict:
            if conflict.existing["metadata"].get("labels", {}).get(JOB_UID_LABEL) == job.metadata.uid:
                return
            raise
        except tolerate:
            return
        if manifest["kind"] != "BaseModel":  # its watch event wakes the pass that writes its Ready condition
            self._index.put(manifest["kind"], body)

    async def _write_status(self, key: Key, status: Mapping[str, Any] | None) -> None:
        before = self._index.body(key)
        if before is None or status is None:
            return
        try:
            after = await self._cluster.patch_status(before, status)
        except Conflict:
            fresh = await self._cluster.get(key.kind, key.namespace, key.name)
            if fresh is not None:
                self._index.put(key.kind, fresh)
            raise
        except NotFound:
            return  # deleted meanwhile; its departure settles it
        self._index.put(key.kind, after)

    async def _blocked(
        self, key: Key, observed: Observed, plan: Plan, state: StateReason, message: str
    ) -> float | None:
        """What was refused stands in a condition; it is tried again later, because the reason may go away."""
        retry = blocked(situation_of(observed), state, message)
        await self._act(key, observed.job, replace(retry, open_entry=None))
        return retry.recheck_seconds


class _NotRegistered(Exception):
    """The job's model cannot be registered; the job ends without that."""


class _ForeignChild(Exception):
    """A child's name is taken by an object that is not ours."""


def _ours(child: SeenChild, job: TrainingJob) -> bool:
    return child.owner_uid == job.metadata.uid and child.namespace == job.metadata.namespace


def _owned_by(body: Mapping[str, Any], uid: str) -> bool:
    owners = body["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)
