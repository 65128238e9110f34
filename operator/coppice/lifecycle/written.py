"""What a job asks for that no policy of its namespace allows: it is refused as it is written, before any decision."""

from coppice.api.reasons import StateReason
from coppice.api.trainingjob import TrainingJobSpec
from coppice.planning.decision import Refusal
from coppice.planning.resolved import Resolved
from coppice.workloads.security import job_refusals


def refused_as_written(spec: TrainingJobSpec, resolved: Resolved, register_obstacle: str | None) -> Refusal | None:
    """The refusal; `register_obstacle` is who has the name that the job wants to register."""
    if spec.register_as and not resolved.allow_register:
        return Refusal(
            StateReason.REGISTER_REFUSED,
            "spec.register: no policy of the namespace sets allowRegister; ask its owner",
        )
    if spec.register_as and register_obstacle is not None:
        name = spec.register_as.name
        return Refusal(
            StateReason.REGISTER_REFUSED,
            f"spec.register: BaseModel {name} exists ({register_obstacle}); choose another name",
        )
    refusals = job_refusals(spec, resolved.pod_exceptions)
    return Refusal(StateReason.POD_REFUSED, "; ".join(refusals)) if refusals else None
