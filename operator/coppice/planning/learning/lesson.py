"""What one finished job teaches about each rung that it tried: how far the estimate was off, and whether it was met.

One job is one observation of a rung, however often it was tried. A ratio is observed over *uncorrected* estimate: what
experience had already added is divided out, or a correction would fade as soon as it worked. Not everything teaches:

    a run that ended by itself        its whole time
    a run stopped at a limit          at least the time it had, where that is already longer than was estimated
    killed, failed, resumed runs      nothing: their time says how long a fault took
    a linear probe of kept features   nothing of time: a probe, or the same rung before it, had computed them
    energy                            only what a meter Measured of the main component, in jobs of a single attempt;
                                      Modelled and Estimated joules come from the model that they would calibrate
    memory                            the peak on CPU; out of memory: at least what was reserved
    a program of the user's own       nothing about estimates, and its SelfReported quality decides that job alone
    a plan that nobody declared       nothing about estimates: the network was assumed
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import log
from typing import Any

from coppice.api.reasons import AttemptOutcome
from coppice.api.trainer_spec import FineTuneWith
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingjob_status import AttemptStatus, TotalsStatus
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import AttemptKind, BaseModelKind, Component, Evidence, Grade, Method
from coppice.planning.data import DataKey, data_key
from coppice.planning.together import after_misses

RungKey = tuple[Method, str]
"""Method and the base model's key, empty from scratch."""
ENDED = frozenset({AttemptOutcome.MET, AttemptOutcome.MISSED, AttemptOutcome.UNJUDGED})
JUDGED = {AttemptOutcome.MET: True, AttemptOutcome.MISSED: False}
LEAST_COVERAGE = 0.9
"""Share of the run, and of the main component's joules, that must have been Measured."""
MAX_RECORD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Lesson:
    """One rung of one finished job. Ratios are natural logarithms of observed over estimated; None: not known.

    `chance` is what was predicted just before the rung was tried, after the misses of its base model's other rungs.
    """

    job_uid: str
    task: str
    data: DataKey
    method: Method
    base: str
    private: bool
    family: str
    profile: str
    met: bool | None = None
    quality: Decimal | None = None
    chance: float | None = None
    time: float | None = None
    power: float | None = None
    memory: float | None = None

    @property
    def rung(self) -> RungKey:
        return self.method, self.base


def lessons(report: TrainingReport, decision_record: str | None = None) -> tuple[Lesson, ...]:
    """What a report teaches; `decision_record` where the report was stripped of it."""
    past = report.spec.request
    if past is None:
        return ()
    planned = _planned(report.spec.decision_record if decision_record is None else decision_record)
    last = {rung_of(attempt): attempt for attempt in report.spec.attempts if attempt.kind is not AttemptKind.PROBE}
    try:
        return tuple(_lesson(report, past, attempt, planned) for attempt in last.values())
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        # A record of another shape than ours: the results count all the same.
        return tuple(_lesson(report, past, attempt, {}) for attempt in last.values())


def rung_of(attempt: AttemptStatus) -> RungKey:
    """Which rung an attempt tried."""
    base = attempt.base_model
    return attempt.method, f"{base.kind}/{base.name}" if base else ""


def _lesson(
    report: TrainingReport, past: TrainingJobSpec, attempt: AttemptStatus, planned: Mapping[RungKey, Mapping[str, Any]]
) -> Lesson:
    method, base = rung_of(attempt)
    candidate = planned.get((method, base))
    evaluated = attempt.evidence is Evidence.EVALUATED
    ours = candidate is not None and candidate.get("profile") == attempt.profile and not _own_program(past, method)
    estimated = candidate["estimate"] if candidate and ours else {}
    inputs = estimated.get("inputs") or {}
    return Lesson(
        job_uid=report.spec.job_uid,
        task=past.task,
        data=data_key(past),
        method=method,
        base=base,
        private=attempt.base_model is not None and attempt.base_model.kind is BaseModelKind.NAMESPACED,
        family=str(inputs.get("family", "")),
        profile=attempt.profile,
        met=next((met for outcome, met in JUDGED.items() if evaluated and attempt.outcome == outcome), None),
        quality=attempt.quality if evaluated else None,
        chance=_predicted(report.spec.attempts, attempt, planned),
        time=_time(attempt, estimated, inputs) if inputs and _began_anew(report.spec.attempts, attempt) else None,
        power=_power(report, attempt, inputs) if inputs and report.spec.totals else None,
        memory=_memory(attempt, estimated, inputs) if inputs else None,
    )


def _own_program(past: TrainingJobSpec, method: Method) -> bool:
    """Whether the rung's program was the user's own, or its plan nobody's: then the estimate was not of it."""
    trainer = past.trainer
    own = trainer is not None and (trainer.container is not None or trainer.template is not None)
    if method is Method.FROM_SCRATCH:
        return own or past.from_scratch is None
    return own and trainer is not None and trainer.fine_tune_with is FineTuneWith.TEMPLATE


def _began_anew(attempts: Iterable[AttemptStatus], attempt: AttemptStatus) -> bool:
    """Whether no earlier attempt left it work done: features of a probe or of the same linear probe."""
    if attempt.method is not Method.LINEAR_PROBE:
        return True
    earlier = [one for one in attempts if one.number < attempt.number]
    again = any(rung_of(one) == rung_of(attempt) and one.kind is not AttemptKind.PROBE for one in earlier)
    return not again and rung_of(attempt)[1] not in _probed(earlier)


def _time(attempt: AttemptStatus, estimated: Mapping[str, Any], inputs: Mapping[str, Any]) -> float | None:
    resumed = sum(pod.index == 0 for pod in attempt.pods) > 1
    if attempt.run_seconds <= 0 or resumed:
        return None
    ratio = _log_ratio(attempt.run_seconds, estimated["runSeconds"]["mid"], inputs.get("timeFactor"))
    if attempt.outcome in ENDED:
        return ratio
    bounded = attempt.outcome == AttemptOutcome.LIMIT_EXCEEDED and ratio is not None and ratio > 0
    return ratio if bounded else None


def _power(report: TrainingReport, attempt: AttemptStatus, inputs: Mapping[str, Any]) -> float | None:
    """Measured watts of the main component over expected ones; the other components are nobody's to learn from."""
    totals = report.spec.totals
    main = Component.ACCELERATOR if attempt.accelerators else Component.CPU
    expected = inputs.get(f"{main}Watts")
    alone = len(report.spec.attempts) == 1 and attempt.outcome in ENDED
    if totals is None or expected is None or not alone or attempt.evidence is Evidence.SELF_REPORTED:
        return None
    coverage, measured = float(totals.coverage), _joules(totals, main, Grade.MEASURED)
    if coverage < LEAST_COVERAGE or measured < LEAST_COVERAGE * _joules(totals, main) or not totals.run_seconds:
        return None
    return _log_ratio(measured / (coverage * totals.run_seconds), expected, inputs.get("powerFactor"))


def _memory(attempt: AttemptStatus, estimated: Mapping[str, Any], inputs: Mapping[str, Any]) -> float | None:
    if attempt.accelerators:
        return None
    needed, factor = estimated["memoryBytes"]["mid"], inputs.get("memoryFactor")
    if attempt.outcome == AttemptOutcome.OUT_OF_MEMORY:
        ratio = _log_ratio(attempt.memory_bytes, needed, factor)
        return ratio if ratio is not None and ratio > 0 else None
    return _log_ratio(attempt.peak_memory_bytes or 0, needed, factor) if attempt.outcome in ENDED else None


def _predicted(
    attempts: Iterable[AttemptStatus], attempt: AttemptStatus, planned: Mapping[RungKey, Mapping[str, Any]]
) -> float | None:
    """The chance when the rung was tried: the first decision's, after the misses before it.

    None where a probe moved it meanwhile: the report holds no later decision.
    """
    method, base = rung_of(attempt)
    if base in _probed(attempts):
        return None
    chances = {
        str(one): float(candidate["chance"]["value"]) for (one, other), candidate in planned.items() if other == base
    }
    earlier = (one for one in attempts if one.number < attempt.number and one.outcome == AttemptOutcome.MISSED)
    missed = [str(one.method) for one in earlier if rung_of(one)[1] == base and one.method is not method]
    if method not in chances or not all(0 < chance < 1 for chance in chances.values()):
        return None
    return after_misses(chances, missed)[1][method]


def _probed(attempts: Iterable[AttemptStatus]) -> set[str]:
    """Keys of the base models of which a probe saw anything."""
    seen = (one for attempt in attempts for one in attempt.probed)
    return {
        f"{one.base_model.kind}/{one.base_model.name}"
        for one in seen
        if one.linear_quality is not None or one.neighbour_quality is not None
    }


def _log_ratio(observed: float, expected: Any, applied: Any) -> float | None:
    """ln(observed / (expected / applied)); None where either is not positive."""
    before = float(expected) / float(applied or 1)
    return log(observed / before) if observed > 0 and before > 0 else None


def _joules(totals: TotalsStatus, component: Component, grade: Grade | None = None) -> float:
    parts = (part for part in totals.parts if part.component is component and (grade is None or part.grade is grade))
    return float(sum(part.joules for part in parts))


def _planned(text: str) -> dict[RungKey, Mapping[str, Any]]:
    """The record's candidates by rung; the ladder's last, because it holds every input.

    Read as plain JSON: an index takes in thousands of reports, and a model of each record would cost ten times that.
    """
    if not text:
        return {}
    try:
        packed = base64.b64decode(text, validate=True)
        record = json.loads(zlib.decompressobj().decompress(packed, MAX_RECORD_BYTES))
        scratch = [record["scratch"]] if record.get("scratch") else []
        found = [*record.get("candidates", ()), *scratch, *record.get("ladder", ())]
        return {(Method(one["method"]), _key(one.get("baseModel"))): one for one in found}
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _key(reference: Mapping[str, str] | None) -> str:
    return f"{reference['kind']}/{reference['name']}" if reference else ""
