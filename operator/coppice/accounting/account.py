"""The account of attempts: what they used, when, of which grade, and what that means in carbon.

One attempt is priced with one ComputeProfile and PUE, each of its pods with the intensity where it ran; a job is the
sum of its attempts, the lost and the failed included. Everything here is a sum over stretches of energy, so an account
of all pods equals the sum of the accounts of each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from coppice.accounting.counted import Counted, counted
from coppice.accounting.course import Span
from coppice.accounting.embodied import NOTHING, added, pod_embodied
from coppice.accounting.energy import pod_energy
from coppice.accounting.operational import Slot, merged, slots_of
from coppice.accounting.share import host_share
from coppice.accounting.stretch import Label, by_label, facility_overhead
from coppice.accounting.units import JOULES_PER_KILOWATT_HOUR
from coppice.accounting.use import AttemptUse, PodUse, Price
from coppice.api.base import Interval
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import Intensity


@dataclass(frozen=True)
class Work:
    """What was computed, all pods together: the units that SCI divides by. Gross: repeated and lost work counts."""

    tokens: int = 0
    teraflop: Decimal = Decimal(0)

    def __add__(self, other: "Work") -> "Work":
        """Both."""
        return Work(self.tokens + other.tokens, self.teraflop + other.teraflop)


@dataclass(frozen=True)
class Account:
    """Facility energy (joules) by component and grade, its carbon (gCO2e), and how well it is known."""

    parts: Mapping[Label, Decimal] = field(default_factory=dict)
    slots: tuple[Slot, ...] = ()
    embodied_grams: Interval = NOTHING
    reserved_seconds: Decimal = Decimal(0)
    covered_seconds: Decimal = Decimal(0)
    work: Work = Work()
    intensities: tuple[Intensity, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def energy_joules(self) -> Decimal:
        """Facility energy: the sum of the parts."""
        return sum(self.parts.values(), Decimal(0))

    @property
    def operational_grams(self) -> Decimal:
        """Operational carbon: the sum over slots of energy x intensity."""
        return sum((slot.grams for slot in self.slots), Decimal(0))

    @property
    def carbon_grams(self) -> Decimal:
        """Operational plus embodied carbon, mid estimate."""
        return self.operational_grams + self.embodied_grams.mid

    @property
    def coverage(self) -> Decimal:
        """Share of the reserved time with Measured samples, 0 to 1."""
        return self.covered_seconds / self.reserved_seconds if self.reserved_seconds else Decimal(0)

    @property
    def grams_per_kilowatt_hour(self) -> Decimal | None:
        """Energy-weighted intensity; None where no energy was used."""
        energy = self.energy_joules
        return self.operational_grams * JOULES_PER_KILOWATT_HOUR / energy if energy else None


def attempt_account(
    pods: Sequence[PodUse],
    profile: ComputeProfile,
    intensity: Intensity,
    pue: Decimal,
    course: tuple[Span, ...] = (),
    elsewhere: Mapping[str, Price] | None = None,
) -> Account:
    """The account of one attempt's pods, each counted once by uid.

    `pue` is the facility's power usage effectiveness; below 1 is taken as 1, since no facility gives energy back.
    `course` is the intensity by slot, where it is known; `elsewhere` has other prices by pod uid.
    """
    every, gaps = counted(pods)
    usual, other = Price(intensity, course), elsewhere or {}
    return combined((_pod_account(item, profile, other.get(item.pod.uid, usual), pue) for item in every), tuple(gaps))


def account_of(attempts: Iterable[AttemptUse]) -> Account:
    """The account of a whole job: every attempt with its own profile, intensity and PUE."""
    return combined(
        attempt_account(item.pods, item.profile, item.intensity, item.pue, item.course, item.elsewhere)
        for item in attempts
    )


def combined(accounts: Iterable[Account], gaps: tuple[str, ...] = ()) -> Account:
    """Several accounts as one: sums of sums, with a gap where intensities cannot be compared."""
    accounts = tuple(accounts)
    parts: dict[Label, Decimal] = {}
    embodied = NOTHING
    for account in accounts:
        embodied = added(embodied, account.embodied_grams)
        for label, joules in account.parts.items():
            parts[label] = parts.get(label, Decimal(0)) + joules
    intensities = _distinct(item for account in accounts for item in account.intensities)
    said = (*gaps, *(gap for account in accounts for gap in account.gaps), *_mixed(intensities))
    return Account(
        parts={label: parts[label] for label in sorted(parts)},
        slots=merged(slot for account in accounts for slot in account.slots),
        embodied_grams=embodied,
        reserved_seconds=sum((account.reserved_seconds for account in accounts), Decimal(0)),
        covered_seconds=sum((account.covered_seconds for account in accounts), Decimal(0)),
        work=sum((account.work for account in accounts), Work()),
        intensities=intensities,
        gaps=tuple(dict.fromkeys(said)),
    )


def _pod_account(item: Counted, profile: ComputeProfile, price: Price, pue: Decimal) -> Account:
    energy = pod_energy(item, profile.spec)
    stretches = (*energy.stretches, *facility_overhead(energy.stretches, pue))
    share = host_share(item.pod, item.usage, profile.spec)
    usage = item.usage
    return Account(
        parts=by_label(stretches),
        slots=slots_of(stretches, price.intensity, price.course),
        embodied_grams=pod_embodied(profile.spec, item.pod.reserved_seconds, share, item.pod.accelerators),
        reserved_seconds=item.pod.reserved_seconds,
        covered_seconds=energy.covered_seconds,
        work=Work(usage.tokens_seen, usage.counted_teraflop or Decimal(0)) if usage else Work(),
        intensities=(price.intensity,),
        gaps=energy.gaps,
    )


def _distinct(intensities: Iterable[Intensity]) -> tuple[Intensity, ...]:
    return tuple({item.model_dump_json(): item for item in intensities}.values())


def _mixed(intensities: Sequence[Intensity]) -> list[str]:
    kinds = sorted({f"{item.method} {item.signal}" for item in intensities})
    if len(kinds) < 2:
        return []
    return [f"Intensities of different kinds ({', '.join(kinds)}) were used: attempts cannot be compared in carbon."]
