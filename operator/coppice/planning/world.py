"""The world a decision is made in: everything outside the job that can change it, as one frozen value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from coppice.accounting.grid import noted
from coppice.accounting.zone import Whereabouts
from coppice.api.computeprofile import ComputeProfile
from coppice.api.decision import Intensity
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.trainingreport import TrainingReport
from coppice.planning.catalogue import Catalogue
from coppice.planning.learning.history import History
from coppice.planning.network import Network


@dataclass(frozen=True)
class World:
    """Catalogue, hardware, grid and history. `intensity` gives gCO2e/kWh of a zone, `pue` is the chart's.

    `reports` are those of the job's namespace, for controls; `history` is what reports of all namespaces teach, and
    made of `reports` where it is None. `count` gives the network of a plan from scratch whose family no formula
    knows, where somebody can count it. `whereabouts` says where the nodes of profiles are that name no zone.
    """

    catalogue: Catalogue
    profiles: tuple[ComputeProfile, ...]
    intensity: Callable[[str], Intensity] | Mapping[str, Intensity]
    default_zone: str
    pue: Decimal
    reports: tuple[TrainingReport, ...] = ()
    software_version: str = ""
    history: History | None = None
    count: Callable[[TrainingJobSpec], Network | None] | None = None
    whereabouts: Mapping[str, Whereabouts] = field(default_factory=dict)

    @cached_property
    def experience(self) -> History:
        """What finished jobs teach."""
        return History.of(self.reports) if self.history is None else self.history

    def intensity_of(self, profile: ComputeProfile) -> Intensity:
        """Carbon intensity where the profile's nodes are. Raises KeyError for a zone that a mapping lacks."""
        return self.intensity_at(self.place_of(profile))

    def place_of(self, profile: ComputeProfile) -> Whereabouts:
        """The zone where the profile's nodes are, and how it was found."""
        if profile.spec.zone:
            return Whereabouts(profile.spec.zone)
        return self.whereabouts.get(profile.metadata.name) or Whereabouts(self.default_zone)

    def intensity_at(self, place: Whereabouts) -> Intensity:
        """Carbon intensity of a zone, saying how the zone was found. Raises KeyError as `intensity_of` does."""
        if place not in self._asked:
            zone = place.zone
            found = self.intensity(zone) if callable(self.intensity) else self.intensity[zone]
            self._asked[place] = noted(found, place.because)
        return self._asked[place]

    @cached_property
    def _of_profiles(self) -> dict[str, Intensity]:
        return {}

    @cached_property
    def _asked(self) -> dict[Whereabouts, Intensity]:
        """Intensities by place: a decision asks for the same ones thousands of times."""
        return {}

    def pue_of(self, profile: ComputeProfile) -> Decimal:
        """Power usage effectiveness of the profile's facility, else the chart's."""
        return profile.spec.pue if profile.spec.pue is not None else self.pue
