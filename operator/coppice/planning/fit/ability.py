"""Checks of ability: model and trainer can do what the method asks, and enough is known to say what it costs."""

from collections.abc import Sequence

from coppice.api.reasons import FitReason
from coppice.api.vocabulary import Method, OptimizeFor
from coppice.planning.catalogue import Registered
from coppice.planning.fit.rejection import Rejection
from coppice.planning.recorded import reaches, recorded_evaluation
from coppice.planning.request import Request
from coppice.planning.tasks import TASKS, Task

NO_PRICE = (
    "optimizeFor Cost needs pricePerHour or energyPricePerKilowattHour on a ComputeProfile that can run the plan;"
    " none has either"
)


def trainer_has_the_method(model: Registered, method: Method, request: Request) -> Rejection | None:
    """The built-in trainer's methods for the task, or the user's own container for all of them."""
    if request.own_fine_tuning or method in TASKS.get(request.spec.task, _UNKNOWN).methods:
        return None
    sentence = f"the built-in trainer has no {method} for {request.spec.task} (on {model.reference.name})"
    return Rejection(FitReason.METHOD_UNSUPPORTED, sentence)


def model_has_the_method(model: Registered, method: Method, request: Request) -> Rejection | None:
    """The methods that the base model names; none named means all, but adapters need linear layers to sit on."""
    del request
    family = model.spec.architecture.family
    if method in _ADAPTERS and family in _CONVOLUTIONAL:
        sentence = f"{method} adapts linear layers, and {model.reference.name} ({family}) has none but its head"
        return Rejection(FitReason.METHOD_UNSUPPORTED, sentence)
    if not model.spec.methods or method in model.spec.methods:
        return None
    return Rejection(FitReason.METHOD_UNSUPPORTED, f"{model.reference.name} does not support {method}")


def head_answers_the_task(model: Registered, method: Method, request: Request) -> Rejection | None:
    """Used as it is, a model needs a trained head for the task that knows the classes of the data.

    Without their names (`dataset.labelNames`) only their number can be compared, which the chance takes into account.
    """
    if method is not Method.AS_IS:
        return None
    labels, names = request.spec.dataset.labels, request.spec.dataset.label_names
    if model.spec.head != request.spec.task:
        return Rejection(FitReason.HEAD_MISMATCH, f"{model.reference.name} has no head for {request.spec.task}")
    if names:
        unknown = unknown_labels(model.spec.head_labels, names)
        sentence = f"the head of {model.reference.name} does not know {', '.join(unknown[:3])}"
        return Rejection(FitReason.HEAD_MISMATCH, sentence) if unknown else None
    if labels is not None and len(model.spec.head_labels) != labels:
        sentence = f"the head of {model.reference.name} has {len(model.spec.head_labels)} classes, the data {labels}"
        return Rejection(FitReason.HEAD_MISMATCH, sentence)
    return None


def has_not_missed_as_it_is(model: Registered, method: Method, request: Request) -> Rejection | None:
    """Nothing is trained, so an evaluation on this very data that missed the target would miss it again."""
    if method is not Method.AS_IS:
        return None
    known = recorded_evaluation(model, request.spec)
    if known is None or reaches(known, request.spec):
        return None
    sentence = f"{model.reference.name} reached {known.value} of {request.spec.objective.target} as it is"
    return Rejection(FitReason.EVALUATED_BELOW_TARGET, sentence)


def unknown_labels(known: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Wanted classes that a head does not have: by name in any case, by number where its own names are LABEL_<n>."""
    folded = {name.casefold() for name in known}
    if all(name == f"LABEL_{number}" for number, name in enumerate(known)):
        folded |= {str(number) for number in range(len(known))}
    return [name for name in wanted if name.casefold() not in folded]


def figures_are_known(model: Registered, method: Method, request: Request) -> Rejection | None:
    """An estimate needs width and depth of a transformer on text, counted FLOPs of anything on images or sound."""
    del method, request
    network = model.network("")
    if network.forward_flops_per_example is not None or (model.spec.modality == "text" and network.is_transformer):
        return None
    wanted = "layers and hiddenSize" if model.spec.modality == "text" else "forwardFlopsPerExample"
    return Rejection(FitReason.FIGURES_MISSING, f"{model.reference.name}: spec.architecture lacks {wanted}")


def price_is_known(model: Registered, method: Method, request: Request) -> Rejection | None:
    """Plans can be compared by cost only where a profile says what an hour or the energy costs."""
    del model, method
    if request.unit is not OptimizeFor.COST or _priced(request):
        return None
    return Rejection(FitReason.FIGURES_MISSING, NO_PRICE)


def a_profile_is_allowed(model: Registered, method: Method, request: Request) -> Rejection | None:
    """At least one configuration that can compute."""
    del method
    if request.hardware:
        return None
    sentence = f"no ComputeProfile that the job allows can run {model.reference.name}; see resources and peakTeraFlops"
    return Rejection(FitReason.PROFILE_NOT_ALLOWED, sentence)


def _priced(request: Request) -> bool:
    specs = (option.profile.spec for option in request.hardware)
    return any(spec.price_per_hour is not None or spec.energy_price_per_kilowatt_hour is not None for spec in specs)


_UNKNOWN = Task(frozenset())
_ADAPTERS = frozenset({Method.LORA, Method.QLORA})
_CONVOLUTIONAL = frozenset({"resnet", "regnet", "bit", "efficientnet", "mobilenet_v1", "mobilenet_v2"})
"""Families of transformers whose blocks are convolutions alone."""
