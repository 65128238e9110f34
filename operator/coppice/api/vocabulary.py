"""The words that appear as values: enumerations shared by kinds, decisions and pods."""

from enum import StrEnum


class Method(StrEnum):
    """How a base model is used; FromScratch uses none."""

    AS_IS = "AsIs"
    LINEAR_PROBE = "LinearProbe"
    LORA = "LoRA"
    QLORA = "QLoRA"
    FULL_FINE_TUNE = "FullFineTune"
    FROM_SCRATCH = "FromScratch"


class Mode(StrEnum):
    """What Coppice may do with a job: choose, only advise, insist on a base model, or stay out."""

    AUTO = "Auto"
    RECOMMEND = "Recommend"
    REQUIRE = "Require"
    NEVER = "Never"


class OptimizeFor(StrEnum):
    """The unit in which plans are compared."""

    CARBON = "Carbon"
    ENERGY = "Energy"
    COST = "Cost"
    TIME = "Time"


class Metric(StrEnum):
    """A quality measure with a known direction; Custom needs `direction`."""

    ACCURACY = "Accuracy"
    BALANCED_ACCURACY = "BalancedAccuracy"
    MACRO_F1 = "MacroF1"
    LOSS = "Loss"
    CUSTOM = "Custom"


class Direction(StrEnum):
    """Whether a larger or a smaller value is better."""

    MAXIMIZE = "Maximize"
    MINIMIZE = "Minimize"


DIRECTIONS = {
    Metric.ACCURACY: Direction.MAXIMIZE,
    Metric.BALANCED_ACCURACY: Direction.MAXIMIZE,
    Metric.MACRO_F1: Direction.MAXIMIZE,
    Metric.LOSS: Direction.MINIMIZE,
}


class OnMiss(StrEnum):
    """What a job without a rung left becomes when its best quality misses the target."""

    FAIL = "Fail"
    ACCEPT = "Accept"


class Distribution(StrEnum):
    """Who gets the trained model, from least to most: licences ask for more the further it goes."""

    INTERNAL = "Internal"
    HOSTED = "Hosted"
    DISTRIBUTED = "Distributed"


class DataFormat(StrEnum):
    """How examples are stored."""

    PARQUET = "Parquet"
    CSV = "CSV"
    JSON_LINES = "JSONLines"


class Backend(StrEnum):
    """The batch engine that runs attempts."""

    JOB = "Job"


class Probing(StrEnum):
    """Whether candidates may be tried on a sample of the target data before one is chosen."""

    AUTO = "Auto"
    NEVER = "Never"


class Learning(StrEnum):
    """Whose reports correct estimates and chances, from most to least."""

    ALL = "All"
    OWN_NAMESPACE = "OwnNamespace"
    OFF = "Off"


class AttemptKind(StrEnum):
    """What an attempt is for."""

    PROBE = "Probe"
    EVALUATE = "Evaluate"
    TRAIN = "Train"


class Basis(StrEnum):
    """Where the cost of the counterfactual comes from."""

    MEASURED = "Measured"
    DECLARED = "Declared"
    ASSUMED = "Assumed"


class Grade(StrEnum):
    """How a figure came about: a meter, a counted activity times a factor, or reserved time times expected power."""

    MEASURED = "Measured"
    MODELLED = "Modelled"
    ESTIMATED = "Estimated"


class Component(StrEnum):
    """The parts of facility energy; together they are all of it and none overlaps another."""

    ACCELERATOR = "accelerator"
    CPU = "cpu"
    MEMORY = "memory"
    HOST_IDLE = "host_idle"
    FACILITY_OVERHEAD = "facility_overhead"


class Evidence(StrEnum):
    """Who measured the quality: our evaluation step, or the user's own container."""

    EVALUATED = "Evaluated"
    SELF_REPORTED = "SelfReported"


class BaseModelKind(StrEnum):
    """The two kinds a reference to a base model can name."""

    NAMESPACED = "BaseModel"
    CLUSTER = "ClusterBaseModel"


class IntensityMethod(StrEnum):
    """What a carbon intensity counts: the whole life of the power plants, or what leaves the stack."""

    LIFE_CYCLE = "LifeCycle"
    DIRECT = "Direct"


class IntensitySignal(StrEnum):
    """Whether an intensity is of the average or of the marginal kilowatt-hour."""

    AVERAGE = "Average"
    MARGINAL = "Marginal"
