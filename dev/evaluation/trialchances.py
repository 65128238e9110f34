"""The trials as finished jobs: what chances every method would have had on every problem, before and after learning.

Each trial becomes the report of a job of one attempt, decided by the prior alone. A problem is then decided anew with
the reports of all other problems, so that nothing is judged by what it was learned from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from coppice.accounting.control import fingerprint
from coppice.api.base import rounded
from coppice.api.basemodel import BaseModelObject
from coppice.api.decision import DecisionRecord, SpentRecord
from coppice.api.meta import BaseModelReference, ObjectMeta
from coppice.api.reasons import AttemptOutcome
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import AttemptStatus, ChildReference
from coppice.api.trainingreport import TrainingReport, TrainingReportSpec
from coppice.api.vocabulary import AttemptKind, BaseModelKind, Evidence, Method
from coppice.planning.board import Board, set_up
from coppice.planning.counterfactual import scratch_candidate
from coppice.planning.decision import Refusal, decide
from coppice.planning.learning.history import History
from coppice.planning.learning.score import Forecast
from coppice.planning.request import Request
from coppice.planning.resolved import Resolved
from coppice.planning.survey import survey
from coppice.planning.world import World
from evaluation.regret import Run, Rung
from evaluation.trialplans import MOMENT, world
from trials.problems import PROBLEMS
from trials.record import Row

Forecasts = Mapping[str, Sequence[Forecast]]


def rung_of(method: Method, base: BaseModelReference | None) -> Rung:
    """How the evaluation names a rung."""
    return method.value, base.name if base else ""


def trial_forecasts(rows: Sequence[Row], bases: Sequence[BaseModelObject]) -> Forecasts:
    """The chance of each trial before it ran: by the prior, and after the trials of all other problems."""
    found: dict[str, list[Forecast]] = {"prior only": [], "learned from the other problems": []}
    where = world(bases)
    for name in dict.fromkeys(row.problem for row in rows):
        here, others = _split(rows, name)
        taught = replace(where, history=History.of(_reports(others, where)))
        for label, one in zip(found, (where, taught), strict=True):
            board = _board(_job(here), one)
            found[label] += [(chance, row.met == "true") for row in here if (chance := _chance(board, row)) is not None]
    return found


def trial_plans(rows: Sequence[Row], bases: Sequence[BaseModelObject], *, taught: bool = True) -> dict[str, list[Rung]]:
    """The ladder of each problem, decided with what the trials of all other problems taught, or by the prior alone."""
    where, plans = world(bases), {}
    for name in dict.fromkeys(row.problem for row in rows):
        here, others = _split(rows, name)
        known = replace(where, history=History.of(_reports(others, where))) if taught else where
        record = _decided(_job(here), known)
        tried = {(row.method, row.base_model) for row in here}
        plan = [rung_of(one.method, one.base_model) for one in record.ladder]
        plans[name] = [rung for rung in plan if rung in tried]
    return {name: plan for name, plan in plans.items() if plan}


def _split(rows: Sequence[Row], problem: str) -> tuple[list[Row], list[Row]]:
    return [row for row in rows if row.problem == problem], [row for row in rows if row.problem != problem]


def _job(rows: Sequence[Row]) -> TrainingJob:
    problem = next(one for one in PROBLEMS if one.name == rows[0].problem)
    return problem.job(examples=rows[0].examples)


def _board(job: TrainingJob, where: World) -> Board:
    request = Request(job, Resolved(), where)
    return set_up(request, survey(request), scratch_candidate(request))


def _chance(board: Board, row: Row) -> float | None:
    """The chance of a trial's rung; None where it does not fit."""
    for placed in map(board.placed, board.rungs):
        candidate = placed.candidate
        if candidate.method.value == row.method and candidate.reference and candidate.reference.name == row.base_model:
            return placed.chance.value
    last = board.last
    return last.chance if last and row.method == Method.FROM_SCRATCH.value else None


def _decided(job: TrainingJob, where: World) -> DecisionRecord:
    decision = decide(job, Resolved(), where, spent=SpentRecord(), tried=(), now=MOMENT, may_probe=False)
    if isinstance(decision, Refusal):
        raise ValueError(f"TrainingJob {job.metadata.name} is refused: {decision.message}")  # noqa: TRY004
    return decision


def _reports(rows: Sequence[Row], where: World) -> list[TrainingReport]:
    """The trials as the reports of jobs of one attempt each."""
    records: dict[str, str] = {}
    kinds = {one.reference.name: one.reference.kind for one in where.catalogue}
    found = []
    for row in rows:
        job = _job([row])
        if row.problem not in records:
            records[row.problem] = _decided(job, where).encoded()
        found.append(_report(row, job, records[row.problem], kinds.get(row.base_model, BaseModelKind.CLUSTER)))
    return found


def _report(row: Row, job: TrainingJob, record: str, kind: BaseModelKind) -> TrainingReport:
    name = "-".join(part.lower() for part in row.key if part)
    attempt = AttemptStatus(
        number=1,
        kind=AttemptKind.EVALUATE if row.method == Method.AS_IS.value else AttemptKind.TRAIN,
        method=Method(row.method),
        base_model=BaseModelReference(kind=kind, name=row.base_model) if row.base_model else None,
        child=ChildReference(kind="Job", name=name),
        profile="one-core",
        outcome=AttemptOutcome.MET if row.met == "true" else AttemptOutcome.MISSED,
        run_seconds=max(round(float(row.run_seconds or 0)), 0),
        quality=rounded(float(row.quality)),
        evidence=Evidence.EVALUATED,
    )
    spec = TrainingReportSpec(
        job=name,
        job_uid=name,
        state="ObjectiveMet" if row.met == "true" else "ObjectiveMissed",
        succeeded=row.met == "true",
        fingerprint=fingerprint(job.spec),
        request=job.spec,
        decision_record=record,
        attempts=[attempt],
    )
    return TrainingReport(metadata=ObjectMeta(name=name, namespace=job.metadata.namespace), spec=spec)


def trial_runs(rows: Sequence[Row], cost: str) -> list[Run]:
    """The trials as runs, at the cost of a column."""
    return [
        Run(row.problem, row.method, row.base_model, float(row.target), float(row.quality), row.parameters, spent)
        for row in rows
        if (spent := float(getattr(row, cost) or 0))
    ]
