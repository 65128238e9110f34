"""Every label, annotation and field-manager name that Coppice writes or reads, in one place."""

from coppice.api.base import GROUP

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "coppice"

JOB_NAME_LABEL = f"{GROUP}/trainingjob"
JOB_UID_LABEL = f"{GROUP}/trainingjob-uid"
ATTEMPT_LABEL = f"{GROUP}/attempt"
CHILD_SELECTOR = f"{MANAGED_BY_LABEL}={MANAGED_BY},{JOB_UID_LABEL}"

ACCOUNT_LABEL = f"{GROUP}/account"
"""On a workload of another kind: "true" asks for an account of it."""
ACCOUNT_SELECTOR = f"{ACCOUNT_LABEL}=true"

PROFILE_ANNOTATION = f"{GROUP}/compute-profile"
"""On such a workload: the ComputeProfile that its pods' nodes are priced with, where matching finds none or another."""

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"

DECISION_ANNOTATION = f"{GROUP}/decision"
RUN_ANNOTATION = f"{GROUP}/run"
ATTEMPT_ANNOTATION = f"{GROUP}/attempt-record"
RETRY_OF_ANNOTATION = f"{GROUP}/retry-of"

FIELD_MANAGER = "coppice-operator"
REPORTING_CONTROLLER = f"{GROUP}/operator"
