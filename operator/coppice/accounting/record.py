"""The account record: everything an account was computed from, so that anybody can compute it again.

It travels in the report like the decision record does: canonical JSON, zlib, base64. Profiles, intensities and PUE
are copied, not named, because they may change or go; what a pod says beyond its use (model, notes) is left out.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from pydantic import Field

from coppice.accounting.course import Span
from coppice.accounting.metered import Metered, coarse
from coppice.accounting.use import AttemptUse, PodUse, Price
from coppice.api.base import DecimalString, Model
from coppice.api.computeprofile import ComputeProfile, ComputeProfileSpec
from coppice.api.decision import Intensity
from coppice.api.meta import ObjectMeta
from coppice.api.result import Result, Usage, merged_slots

Said = TypeVar("Said", bound=Usage)

MAX_ENCODED_BYTES = 131072
"""What the report's field holds; a job of sixteen attempts with a few pods each needs a tenth of it."""


class PodRecord(Model):
    """One pod's reserved time and hardware, with what it said of its use."""

    uid: str
    start: datetime
    end: datetime
    result: Result | None = None
    accelerators: int = 0
    cpu_request: DecimalString = Decimal(0)
    memory_request_bytes: int = 0
    self_reported: bool = False
    init_end: datetime | None = None
    metered: tuple[Metered, ...] = ()


class ProfileRecord(Model):
    """A ComputeProfile as it was."""

    name: str
    spec: ComputeProfileSpec


class PriceRecord(Model):
    """What pods in another zone than the attempt's first were priced with."""

    pods: tuple[str, ...] = Field(description="Their uids.")
    intensity: Intensity
    course: tuple[Span, ...] = ()


class AttemptInput(Model):
    """One attempt's inputs."""

    number: int
    profile: ProfileRecord
    intensity: Intensity
    pue: DecimalString
    pods: tuple[PodRecord, ...] = ()
    course: tuple[Span, ...] = ()
    elsewhere: tuple[PriceRecord, ...] | None = None


class AccountRecord(Model):
    """Every attempt's inputs."""

    attempts: tuple[AttemptInput, ...] = Field(default=())

    def encoded(self) -> str:
        """zlib and base64 of the canonical JSON."""
        text = json.dumps(self.wire(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return base64.b64encode(zlib.compress(text.encode(), 9)).decode()

    def uses(self) -> tuple[AttemptUse, ...]:
        """The inputs as the account takes them."""
        return tuple(
            AttemptUse(
                number=item.number,
                pods=tuple(_use(pod) for pod in item.pods),
                profile=ComputeProfile(metadata=ObjectMeta(name=item.profile.name), spec=item.profile.spec),
                intensity=item.intensity,
                pue=item.pue,
                course=item.course,
                elsewhere={uid: Price(one.intensity, one.course) for one in item.elsewhere or () for uid in one.pods},
            )
            for item in self.attempts
        )


def account_record(attempts: Iterable[AttemptUse], slots_at_most: int | None = None) -> AccountRecord:
    """The inputs of an account, with energy slots merged to so many where that is asked."""
    return AccountRecord(
        attempts=tuple(
            AttemptInput(
                number=item.number,
                profile=ProfileRecord(name=item.profile.metadata.name, spec=item.profile.spec),
                intensity=item.intensity,
                pue=item.pue,
                pods=tuple(_record(pod, slots_at_most) for pod in item.pods),
                course=item.course,
                elsewhere=_elsewhere(item.elsewhere) or None,
            )
            for item in attempts
        )
    )


def fitted(attempts: tuple[AttemptUse, ...], limit_bytes: int = MAX_ENCODED_BYTES) -> str:
    """The encoded record in at most so many bytes: first with fewer energy slots; empty where even that is too long."""
    for slots in (None, 24, 6, 1):
        encoded = account_record(attempts, slots).encoded()
        if len(encoded) <= limit_bytes:
            return encoded
    return ""


def decode_account_record(text: str) -> AccountRecord:
    """The record from a report. Raises ValueError where the text is none; the reader says of which report."""
    try:
        return AccountRecord.model_validate_json(zlib.decompress(base64.b64decode(text, validate=True)))
    except (zlib.error, ValueError) as error:
        raise ValueError(f"not an account record: {error}") from error


def _record(pod: PodUse, slots_at_most: int | None) -> PodRecord:
    result = pod.result.model_copy(update={"model": None, "notes": (), "errors": ()}) if pod.result else None
    if result is not None and slots_at_most is not None:
        earlier = tuple(_coarse(item, slots_at_most) for item in result.earlier)
        result = _coarse(result, slots_at_most).model_copy(update={"earlier": earlier})
    fields = {name: getattr(pod, name) for name in PodRecord.model_fields if name != "result"}
    if slots_at_most is not None:
        fields["metered"] = tuple(coarse(item, slots_at_most) for item in pod.metered)
    return PodRecord(result=result, **fields)


def _coarse(usage: Said, at_most: int) -> Said:
    if usage.energy is None:
        return usage
    return usage.model_copy(update={"energy": merged_slots(usage.energy, at_most)})


def _elsewhere(prices: Mapping[str, Price]) -> tuple[PriceRecord, ...]:
    """Each price once, with the pods that it is for."""
    pods: dict[int, list[str]] = {}
    for uid, price in prices.items():
        pods.setdefault(id(price), []).append(uid)
    each = {id(price): price for price in prices.values()}
    return tuple(
        PriceRecord(pods=tuple(uids), intensity=each[key].intensity, course=each[key].course)
        for key, uids in pods.items()
    )


def _use(record: PodRecord) -> PodUse:
    return PodUse(**{name: getattr(record, name) for name in PodRecord.model_fields})
