"""Every reason that a condition, an event, a decision or a rejection can carry, each with its sentence.

A reason is one word that programs test; its sentence tells a person what it means. The docs' reason table is
generated from here, and a test fails for a reason that nothing uses.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A reason with its sentence; compares and serialises as the word alone."""

    sentence: str

    def __new__(cls, word: str, sentence: str = "") -> "Reason":
        member = str.__new__(cls, word)
        member._value_ = word
        member.sentence = sentence
        return member


class DecisionReason(Reason):
    """Why this plan."""

    FINE_TUNE_SAVES_CARBON = (
        "FineTuneSavesCarbon",
        "A base model is expected to meet the objective for less carbon than training from scratch.",
    )
    FINE_TUNE_SAVES_ENERGY = (
        "FineTuneSavesEnergy",
        "A base model is expected to meet the objective for less energy than training from scratch.",
    )
    FINE_TUNE_SAVES_COST = (
        "FineTuneSavesCost",
        "A base model is expected to meet the objective for less money than training from scratch.",
    )
    FINE_TUNE_SAVES_TIME = (
        "FineTuneSavesTime",
        "A base model is expected to meet the objective in less time than training from scratch.",
    )
    SCRATCH_SELDOM_SUFFICES = (
        "ScratchSeldomSuffices",
        "Training from scratch costs less to try, but so seldom meets the objective that a success costs more.",
    )
    SCRATCH_IS_CHEAPER = (
        "ScratchIsCheaper",
        "Training from scratch is expected to cost no more than any base model that fits.",
    )
    SAVING_BELOW_MINIMUM = "SavingBelowMinimum", "The expected saving is below the minimum that the policy asks for."
    NO_BASE_MODEL_FITS = "NoBaseModelFits", "No registered base model passed every fit check."
    NO_SCRATCH_PLAN = (
        "NoScratchPlan",
        "The job declares no plan from scratch, so the base models that fit are tried, best first.",
    )
    SUBSTITUTION_REQUIRED = "SubstitutionRequired", "Mode Require: only base models may be used."
    SUBSTITUTION_OFF = "SubstitutionOff", "Mode Never: the job trains from scratch as asked."
    RECOMMENDED_ONLY = "RecommendedOnly", "Mode Recommend: the job trains from scratch; what was forgone is recorded."
    SCRATCH_EXCEEDS_LIMITS = (
        "ScratchExceedsLimits",
        "Training from scratch may cross the job's limits by its high estimate, so only base models are tried.",
    )
    SCRATCH_CANNOT_RUN = (
        "ScratchCannotRun",
        "Training from scratch cannot run on any ComputeProfile allowed, so only base models are tried.",
    )
    NO_ROOM_TO_TRY = (
        "NoRoomToTry",
        "Trying a base model first would leave too little of the limits or attempts for training from scratch.",
    )
    LIMITS_TOO_TIGHT = "LimitsTooTight", "No plan is expected to stay within the job's limits."
    NO_PLAN_LEFT = "NoPlanLeft", "Nothing can run any more: no rung is left, or no ComputeProfile can run the job."


class StateReason(Reason):
    """How the job stands: the reason of Succeeded, and of Failed and Finished beside it."""

    DECIDED = "Decided", "A plan was chosen and is about to run."
    STARTING = "Starting", "The attempt exists; its pods are not running yet."
    UNSCHEDULABLE = "Unschedulable", "No node can take the attempt's pod now."
    RUNNING = "Running", "An attempt is running."
    POD_BLOCKED = "PodBlocked", "The attempt's pod cannot start; the message says what blocks it."
    STOPPING = "Stopping", "The running attempt is being stopped."
    SUSPENDED = "Suspended", "The job waits; the Suspended condition says for what."
    OBJECTIVE_MET = "ObjectiveMet", "An attempt reached the target."
    COMPLETED = "Completed", "The attempt ended well; the job sets no target."
    MISSED_ACCEPTED = (
        "MissedAccepted",
        "No attempt reached the target; the best one was accepted as objective.onMiss says.",
    )
    OBJECTIVE_MISSED = "ObjectiveMissed", "No attempt reached the target and no rung is left."
    NO_RESULT = "NoResult", "The attempt ended without a result and no rung is left."
    ATTEMPT_FAILED = "AttemptFailed", "The attempt failed and no rung is left."
    OUT_OF_MEMORY = "OutOfMemory", "The attempt ran out of memory and no rung is left."
    LIMIT_EXCEEDED = "LimitExceeded", "The job crossed one of its limits."
    NO_SCRATCH_PLAN = "NoScratchPlan", "The mode trains from scratch and the job declares no plan for it."
    NO_TARGET = "NoTarget", "The mode needs objective.target and the job has none."
    NO_BASE_MODEL_FITS = "NoBaseModelFits", "No base model fits and there is no plan from scratch."
    NO_PROFILE = "NoProfile", "No ComputeProfile can run the job."
    LIMITS_TOO_TIGHT = "LimitsTooTight", "No plan is expected to stay within the job's limits."
    INVALID_SPEC = "InvalidSpec", "The job cannot be run as written."
    POD_REFUSED = "PodRefused", "The job's own pod asks for what no policy allows."
    REGISTER_REFUSED = "RegisterRefused", "No policy of the namespace allows jobs to register models."
    KILLED = "Killed", "The attempt was killed from outside and no attempt is left."
    DELETED = "Deleted", "The job was deleted before it finished."
    CHILD_CONFLICT = "ChildConflict", "An object of the attempt's name exists and belongs to another owner."
    CHILD_DELETED = "ChildDeleted", "The attempt's object was deleted by someone else."
    CREATE_REFUSED = "CreateRefused", "The API server refused to create the attempt."


class WorkloadReason(Reason):
    """How a workload ended that is accounted and was not decided: the state of its report."""

    SUCCEEDED = "Succeeded", "Its own controller says that it succeeded."
    FAILED = "Failed", "Its own controller says that it failed."
    DELETED = "Deleted", "It was deleted before it ended; what was last seen of it is counted."
    LABEL_REMOVED = "LabelRemoved", "Its label was removed before it ended; what it used until then is counted."


class SuspendReason(Reason):
    """What a waiting job waits for."""

    USER_SUSPENDED = "UserSuspended", "spec.suspend is true."
    AWAITING_BASE_MODEL = (
        "AwaitingBaseModel",
        "The plan from scratch takes its tokenizer from a base model that cannot be used yet.",
    )
    AWAITING_ACKNOWLEDGEMENT = (
        "AwaitingAcknowledgement",
        "The policy wants limitations of the chosen base model acknowledged.",
    )
    AWAITING_APPROVAL = (
        "AwaitingApproval",
        "A policy wants the plan justified or approved before it starts.",
    )
    BUDGET_EXHAUSTED = "BudgetExhausted", "What is left of the namespace's budget does not hold the plan."
    QUEUED = "Queued", "The queue has not admitted the attempt yet."
    NOT_SUSPENDED = "NotSuspended", "Nothing holds the job back."


class AttemptOutcome(Reason):
    """How an attempt ended."""

    RUNNING = "Running", "The attempt is not over."
    MET = "Met", "It reached the target."
    MISSED = "Missed", "It ended well and missed the target."
    UNJUDGED = "Unjudged", "It ended well and there is no target to judge it by."
    PROBED = "Probed", "It looked at several base models on a sample of the data."
    NO_RESULT = "NoResult", "It ended without a result."
    FAILED = "Failed", "Its container failed."
    OUT_OF_MEMORY = "OutOfMemory", "Its container was killed for memory."
    LIMIT_EXCEEDED = "LimitExceeded", "It was stopped at a limit of the job."
    KILLED = "Killed", "Its container was killed from outside, not for memory; the rung may be tried again."
    DELETED = "Deleted", "Its object was deleted by someone else."


class AccountReason(Reason):
    """How the account stands."""

    OPEN = "Open", "The job is not finished."
    SETTLING = "Settling", "The job is finished; its account is being closed."
    SETTLED = "Settled", "The account is complete."
    SETTLED_WITH_GAPS = "SettledWithGaps", "The account is closed; what no meter saw is estimated and labelled."
    NOTHING_RAN = "NothingRan", "Nothing was run, so nothing was spent."


class FitReason(Reason):
    """Why a candidate cannot be used."""

    NOT_READY = "NotReady", "The base model is not Ready."
    DIGEST_MISSING = "DigestMissing", "A file of the base model has no digest."
    NOT_PINNED = "NotPinned", "The job names other base models."
    SCOPE_DENIED = "ScopeDenied", "A policy does not allow base models of this kind."
    TASK_MISMATCH = "TaskMismatch", "The base model does not serve the task."
    MODALITY_MISMATCH = "ModalityMismatch", "The base model reads another kind of data."
    LANGUAGE_MISMATCH = "LanguageMismatch", "The base model knows none of the job's languages."
    DOMAIN_EXCLUDED = "DomainExcluded", "The base model must not be used for the job's domain."
    LICENSE_DENIED = "LicenseDenied", "The licence of the model or of its chain does not allow the job's use."
    DATASET_LICENSE_DENIED = "DatasetLicenseDenied", "The dataset's licence does not allow the job's use."
    METHOD_NOT_ALLOWED = "MethodNotAllowed", "The job or a policy does not allow the method."
    METHOD_UNSUPPORTED = "MethodUnsupported", "The base model or the task does not support the method."
    HEAD_MISMATCH = "HeadMismatch", "The base model has no trained head for the task's labels."
    EVALUATED_BELOW_TARGET = (
        "EvaluatedBelowTarget",
        "Used as it is, the base model has missed the target on this very data.",
    )
    REMOTE_CODE = "RemoteCode", "The base model needs code of its own."
    NOT_SAFETENSORS = "NotSafetensors", "The base model has no safetensors weights."
    TOO_LARGE = "TooLarge", "The base model exceeds the largest size that a policy allows."
    SOURCE_DENIED = "SourceDenied", "No policy lists the host of the base model's files."
    MEMORY_TOO_SMALL = "MemoryTooSmall", "No allowed ComputeProfile has enough memory."
    PROFILE_NOT_ALLOWED = "ProfileNotAllowed", "The job allows no ComputeProfile that could run it."
    FIGURES_MISSING = "FiguresMissing", "The architecture lacks a figure that an estimate needs."


class ModelReason(Reason):
    """Whether a base model can be used."""

    READY = "Ready", "Every file has a digest and the source can be read."
    DIGEST_MISSING = "DigestMissing", "A file has no digest: record it before jobs can use the model."
    SOURCE_MISSING = "SourceMissing", "The claim that holds the files is gone."
    REMOTE_CODE = "RemoteCode", "The model needs code of its own, which is never run."


class EventReason(Reason):
    """What is told once, when it happens."""

    DECIDED = "Decided", "A plan was chosen."
    ATTEMPT_STARTED = "AttemptStarted", "An attempt was started."
    ATTEMPT_ENDED = "AttemptEnded", "An attempt ended."
    NEXT_RUNG = "NextRung", "The next rung of the ladder is tried."
    SUSPENDED = "Suspended", "The job waits."
    APPROVED = "Approved", "A TrainingApproval lets the plan start."
    RESUMED = "Resumed", "The job goes on."
    FINISHED = "Finished", "The job finished."
    ACCOUNTED = "Accounted", "The account is closed."
    MODEL_NOT_REGISTERED = "ModelNotRegistered", "The job's model could not be registered."
    MODEL_REGISTERED = "ModelRegistered", "The job's model was registered."
