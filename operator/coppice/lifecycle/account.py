"""The job's account as a pass sees it: every attempt's pods priced with the same intensity, PUE and boundary."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, lru_cache

from coppice.accounting.account import Account, account_of, combined
from coppice.accounting.cost import MILLIONTH, added, attempt_cost, license_cost
from coppice.accounting.grid import noted
from coppice.accounting.months import months_of
from coppice.accounting.use import AttemptUse, PodUse, Price
from coppice.accounting.zone import BY_NODE, Whereabouts
from coppice.api.base import rounded
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import Intensity, SpentRecord, decode_record
from coppice.api.meta import BaseModelReference
from coppice.api.trainingjob import Limits
from coppice.api.trainingledger import MonthTotal
from coppice.api.vocabulary import AttemptKind, Method
from coppice.lifecycle.attempts import Attempt
from coppice.lifecycle.observed import Observed
from coppice.planning.world import World

JOULES_PER_WATT_HOUR = Decimal(3600)


@dataclass(frozen=True)
class Books:
    """What every attempt used, and its account; `other_cost` is the money for licences and data."""

    uses: tuple[AttemptUse, ...]
    attempts: tuple[Attempt, ...]
    run_seconds: int
    other_cost: Decimal = Decimal(0)

    @cached_property
    def accounts(self) -> dict[int, Account]:
        """Accounts by attempt number."""
        return {use.number: account_of((use,)) for use in self.uses}

    @cached_property
    def total(self) -> Account:
        """All attempts together."""
        return combined(self.accounts.values())

    @property
    def unpriced(self) -> tuple[int, ...]:
        """Numbers of attempts whose ComputeProfile is gone, so that their energy is not known."""
        known = {use.number for use in self.uses}
        return tuple(item.record.number for item in self.attempts if item.record.number not in known)

    @property
    def on_substitution(self) -> Account | None:
        """Attempts with a base model together; None where there were none."""
        numbers = {item.record.number for item in self.attempts if item.record.method is not Method.FROM_SCRATCH}
        accounts = [account for number, account in self.accounts.items() if number in numbers]
        return combined(accounts) if accounts else None

    @cached_property
    def cost(self) -> Decimal | None:
        """Money so far, with licences and data; None where no attempt has a price."""
        known = added(*(attempt_cost(use, self.accounts[use.number]) for use in self.uses))
        return None if known is None else (known + self.other_cost).quantize(MILLIONTH)

    @property
    def months(self) -> tuple[MonthTotal, ...]:
        """What the job used in each calendar month; its money is that of `cost`, and none where that is not known."""
        other_cost = self.other_cost if self.cost is not None else Decimal(0)
        return months_of([(use, self.accounts[use.number]) for use in self.uses], other_cost)

    @property
    def spent(self) -> SpentRecord:
        """What has been used up so far, as a decision needs it."""
        total = self.total
        return SpentRecord(
            energy_watt_hours=rounded(float(total.energy_joules / JOULES_PER_WATT_HOUR)),
            carbon_grams=rounded(float(total.carbon_grams)),
            cost=None if self.cost is None else rounded(float(self.cost)),
            run_seconds=self.run_seconds,
            train_attempts=sum(attempt.record.kind is AttemptKind.TRAIN for attempt in self.attempts),
            base_models=tuple(dict.fromkeys(one.record.base_model for one in self.attempts if one.record.base_model)),
        )


def books_of(observed: Observed, attempts: tuple[Attempt, ...]) -> Books:
    """The books as of now; running pods are counted up to now.

    An attempt whose ComputeProfile was deleted cannot be priced and is left out; `unpriced` names it.
    """
    uses, decided = [], _decided(attempts)
    for attempt in attempts:
        profile = profile_of(observed, attempt)
        if profile is not None:
            pods = _with_meters(observed, attempt.uses(observed.now))
            uses.append(_use(observed, attempt.record.number, profile, pods, decided))
    seconds = sum(attempt.run_seconds(observed.now) for attempt in attempts)
    return Books(tuple(uses), attempts, seconds, _other_cost(observed, attempts))


def _with_meters(observed: Observed, pods: tuple[PodUse, ...]) -> tuple[PodUse, ...]:
    if not observed.meters:
        return pods
    return tuple(
        replace(pod, metered=observed.meters[pod.uid].metered) if pod.uid in observed.meters else pod for pod in pods
    )


def unread(observed: Observed, attempts: Sequence[Attempt]) -> bool:
    """Whether meters of the cluster have yet to say their last word on a pod that ran."""
    if observed.meters is None:
        return False
    ran = (pod.uid for attempt in attempts for pod in attempt.pods if pod.scheduled_at)
    return not all(uid in observed.meters and observed.meters[uid].complete for uid in ran)


def _decided(attempts: Sequence[Attempt]) -> Intensity | None:
    """What the first decision was priced with: the account is to be comparable with it."""
    texts = (item.child.decision for item in attempts if item.child and item.child.decision)
    first = next(texts, None)
    return _intensity_in(first) if first else None


@lru_cache(maxsize=1024)
def _intensity_in(record: str) -> Intensity:
    return decode_record(record).intensity


def _use(
    observed: Observed, number: int, profile: ComputeProfile, pods: tuple[PodUse, ...], decided: Intensity | None
) -> AttemptUse:
    """The attempt with its prices: that of the zone where its first pod ran, and those of pods that ran elsewhere."""
    world = observed.world
    by_place: dict[Whereabouts, list[PodUse]] = {}
    for pod in pods:
        by_place.setdefault(_place(world, profile, pod), []).append(pod)
    (place, there), *others = list(by_place.items()) or [(world.place_of(profile), [])]
    price = _priced(observed, place, there, decided)
    elsewhere: dict[str, Price] = {}
    for other, there in others:
        elsewhere |= dict.fromkeys((pod.uid for pod in there), _priced(observed, other, there, decided))
    return AttemptUse(number, pods, profile, price.intensity, world.pue_of(profile), price.course, elsewhere)


def _place(world: World, profile: ComputeProfile, pod: PodUse) -> Whereabouts:
    """Where a pod ran: what its profile names wins, then its node's word, then where the profile's nodes are."""
    if pod.zone and not profile.spec.zone:
        return Whereabouts(pod.zone, BY_NODE)
    return world.place_of(profile)


def _priced(observed: Observed, place: Whereabouts, pods: Sequence[PodUse], decided: Intensity | None) -> Price:
    """The intensity of the time in which pods were reserved, of the decision's kind, and its course by slot.

    Where no source has a value of that kind any more, the decision's own stands in for its zone; for another zone a
    value of another kind is used, and says that it cannot be compared.
    """
    now = observed.world.intensity_at(place)
    wanted = decided or now
    if observed.grid is not None and pods:
        start, end = min(pod.start for pod in pods), max(pod.end for pod in pods)
        found = observed.grid.past(now.zone, (wanted.method, wanted.signal), start, end)
        if found is not None:
            return Price(noted(found[0], place.because), found[1])
    if (wanted.method, wanted.signal) == (now.method, now.signal):
        return Price(now)
    if wanted.zone == now.zone:
        return Price(noted(wanted, "as when it was decided"))
    return Price(noted(now, "not to be compared with what the decision used"))


def _other_cost(observed: Observed, attempts: tuple[Attempt, ...]) -> Decimal:
    """Licences of the base models that were run, each once, and the data; a model that is gone adds nothing more."""
    if not attempts:
        return Decimal(0)
    job = observed.job
    seconds: dict[BaseModelReference, int] = {}
    for attempt in attempts:
        model = attempt.record.base_model
        if model is not None:
            seconds[model] = seconds.get(model, 0) + attempt.run_seconds(observed.now)
    licences = Decimal(0)
    for reference, run_seconds in seconds.items():
        known = observed.world.catalogue.get(reference, job.metadata.namespace or "")
        if known is not None:
            licences += license_cost(known.spec.price_per_job, known.spec.price_per_month, run_seconds)
    return licences + (job.spec.dataset.price or Decimal(0))


def profile_of(observed: Observed, attempt: Attempt) -> ComputeProfile | None:
    """The ComputeProfile of an attempt, if it is still registered."""
    return next((item for item in observed.world.profiles if item.metadata.name == attempt.record.profile), None)


def limits_in_force(observed: Observed, attempts: tuple[Attempt, ...]) -> Limits | None:
    """The limits that the latest decision was made within; before any, those of job and policies now."""
    texts = [item.child.decision for item in attempts if item.child and item.child.decision]
    if not texts:
        return observed.resolved.limits
    frozen = decode_record(texts[-1]).resolved.get("limits")
    return Limits.model_validate(frozen) if frozen else None


def crossed_limit(limits: Limits | None, books: Books) -> str | None:
    """The sentence of the first limit that the job has crossed, or None."""
    if limits is None:
        return None
    total = books.total
    watt_hours = float(total.energy_joules / JOULES_PER_WATT_HOUR)
    checks = (
        ("run time", books.run_seconds, limits.run_seconds, "seconds", "limits.runSeconds"),
        (
            "energy",
            watt_hours,
            limits.energy_watt_hours,
            "Wh",
            "limits.energyWattHours",
        ),
        ("carbon", float(total.carbon_grams), limits.carbon_grams, "gCO2e", "limits.carbonGrams"),
    )
    for what, used, limit, unit, field in checks:
        if limit is not None and used >= limit:
            return f"{what} {used:.4g} {unit} reached {field} {limit} {unit}; create a new job with a higher limit"
    return None


def seconds_until_limit(limits: Limits | None, books: Books) -> float | None:
    """When to look again at a running job that has limits; None without limits."""
    if limits is None or limits == type(limits)():
        return None
    left = max(limits.run_seconds - books.run_seconds, 1) if limits.run_seconds is not None else None
    if limits.energy_watt_hours is None and limits.carbon_grams is None:
        return left
    return min(left, 15.0) if left is not None else 15.0
