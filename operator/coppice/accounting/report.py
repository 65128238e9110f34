"""The report: the immutable account of one finished job, with everything needed to compute it again.

The caller names it and writes it once. What it repeats from the status is a copy of what the job said when it was
settled; `recompute` gets the same numbers from the account record alone.
"""

from collections.abc import Sequence
from datetime import datetime

from coppice.accounting.account import Account, account_of
from coppice.accounting.control import fingerprint
from coppice.accounting.operational import Slot
from coppice.accounting.record import decode_account_record, fitted
from coppice.accounting.totals import THOUSANDTH
from coppice.accounting.units import MILLIJOULE
from coppice.accounting.use import AttemptUse
from coppice.api.conditions import SUCCEEDED, find
from coppice.api.decision import DecisionRecord
from coppice.api.meta import ObjectMeta
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import TrainingJobStatus
from coppice.api.trainingreport import EnergySlot, TrainingReport, TrainingReportSpec
from coppice.api.vocabulary import Mode

MAX_GAPS = 32
MAX_SENTENCE = 1024


def report(
    job: TrainingJob,
    record: DecisionRecord | None,
    attempts: Sequence[AttemptUse],
    *,
    name: str,
    completion_time: datetime | None = None,
) -> TrainingReport:
    """The report of a finished job, from its final status and the use of every attempt.

    `completion_time` is for a job whose status does not say it yet, such as one that was deleted.
    """
    status = job.status or TrainingJobStatus()
    succeeded = find(status.conditions, SUCCEEDED)
    account = account_of(attempts)
    encoded = fitted(tuple(attempts))
    return TrainingReport(
        metadata=ObjectMeta(name=name, namespace=job.metadata.namespace),
        spec=TrainingReportSpec(
            job=job.metadata.name,
            job_uid=job.metadata.uid,
            state=succeeded.reason if succeeded else "Unknown",
            succeeded=succeeded is not None and succeeded.status == "True",
            message=succeeded.message if succeeded else "",
            created_time=job.metadata.creation_timestamp,
            completion_time=status.completion_time or completion_time,
            fingerprint=fingerprint(job.spec),
            control=is_control(job, record),
            request=job.spec,
            decision=status.decision,
            decision_record=record.encoded() if record else "",
            account_record=encoded,
            attempts=status.attempts,
            result=status.result,
            totals=status.totals,
            slots=[energy_slot(slot) for slot in account.slots],
            gaps=gaps_of(account, encoded),
        ),
    )


def recompute(finished: TrainingReport) -> Account:
    """The account computed again from what the report holds. Raises ValueError where it holds no account record."""
    return account_of(decode_account_record(finished.spec.account_record).uses())


def is_control(job: TrainingJob, record: DecisionRecord | None) -> bool:
    """Whether the job was a control: its mode, as decided (a policy may have set it), was Never."""
    if record is not None:
        return record.mode is Mode.NEVER
    return job.spec.substitution is not None and job.spec.substitution.mode is Mode.NEVER


def gaps_of(account: Account, encoded_record: str) -> list[str]:
    """What is missing from the account in at most 32 sentences; the last one counts those left out."""
    gaps = [gap[:MAX_SENTENCE] for gap in account.gaps]
    if not encoded_record:
        gaps.insert(0, "The inputs of the account were too long for the report: it cannot be computed again from it.")
    if len(gaps) <= MAX_GAPS:
        return gaps
    return [*gaps[: MAX_GAPS - 1], f"And {len(gaps) - MAX_GAPS + 1} more gaps of the same kinds."]


def energy_slot(slot: Slot) -> EnergySlot:
    """A slot as reports hold it."""
    return EnergySlot(
        start=slot.start,
        joules=slot.joules.quantize(MILLIJOULE),
        grams_per_kilowatt_hour=slot.grams_per_kilowatt_hour.quantize(THOUSANDTH),
    )
