"""Names of everything made for a job; each carries the job's life, so that a name used twice makes no confusion.

Five hexadecimal digits of the uid are enough to keep two lives of one name apart (one in a million is the chance
that they agree), and a job name of 45 characters leaves room for them and for the pod's own suffix within 63. Reports
stay for months, so theirs may agree some day: a report whose name is taken by another life's gets the whole uid.
"""

from coppice.api.trainingjob import TrainingJob

UID_DIGITS = 5
ALL_DIGITS = 32


def life(job_uid: str) -> str:
    """The digits that stand for one life of a job."""
    return job_uid.replace("-", "")[:UID_DIGITS]


def child_name(job_name: str, job_uid: str, attempt: int) -> str:
    """Name of the object that runs an attempt, and of its Service."""
    return f"{job_name}-{life(job_uid)}-{attempt}"


def report_name(job_name: str, job_uid: str) -> str:
    """Name of a job's TrainingReport."""
    return f"{job_name}-{life(job_uid)}"


def workload_report_name(name: str, uid: str) -> str:
    """Name of the report of a workload, whose own name may be as long as Kubernetes allows."""
    return f"{name[: 253 - UID_DIGITS - 1]}-{life(uid)}"


def second_report_name(name: str, uid: str) -> str:
    """Name of the report of a job or workload where the first name is another's."""
    return f"{name[: 253 - ALL_DIGITS - 1]}-{uid.replace('-', '')[:ALL_DIGITS]}"


def claim_name(job: TrainingJob) -> str:
    """The output claim: the user's, or the one that is made for this life of the job."""
    output = job.spec.output
    if output and output.claim_name:
        return output.claim_name
    return f"{job.metadata.name}-{life(job.metadata.uid)}"


def ledger_name(namespace: str, number: int) -> str:
    """Name of a namespace's first (number 0) or a further ledger.

    The dot keeps `team` number 2 apart from a namespace `team-2`: namespaces have no dots.
    """
    return namespace if number == 0 else f"{namespace}.{number}"
