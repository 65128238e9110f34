"""What if: the same job in a world that differs in a few named things, to be decided again.

zone=SE  pue=1.1                   carbon intensity and facility of every profile
profile=h100,cpu                   only these ComputeProfiles
policy=FILE                        this TrainingPolicy, or its spec, instead of all that select the namespace
sufficientChance=0.8  minimumSaving=0.2
target  mode  optimizeFor  methods=LoRA,AsIs   of the job
dataset.examples=100000            any other field of spec, by its path
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from coppice.api.crd import schema
from coppice.api.trainingjob import TrainingJob
from coppice.cli.documents import policy_spec, strictly
from coppice.cli.errors import UsageError
from coppice.cli.world import Catalogue
from coppice.planning.policy import resolve
from coppice.planning.resolved import Resolved
from coppice.planning.world import World

FIELDS = {
    "target": "objective.target",
    "metric": "objective.metric",
    "mode": "substitution.mode",
    "optimizeFor": "substitution.optimizeFor",
    "methods": "substitution.methods",
}
"""Short names of fields of the job's spec."""
LISTS = {"substitution.methods", "languages", "domains", "resources.profiles"}
RULES = {"sufficientChance": "sufficient_chance", "minimumSaving": "minimum_saving_ratio"}
WORLDLY = {"zone", "pue", "profile", "profiles", "policy", *RULES}


@dataclass(frozen=True)
class Changes:
    """What differs, by key as it was typed."""

    values: Mapping[str, str]

    @classmethod
    def of(cls, arguments: Iterable[str]) -> "Changes":
        """From `KEY=VALUE`. Raises UsageError for anything else."""
        values = {}
        for argument in arguments:
            key, equals, value = argument.partition("=")
            if not (key and equals):
                raise UsageError(f"--what-if {argument}: write KEY=VALUE, such as zone=SE or target=0.9")
            values[key] = value
        return cls(values)

    def job(self, job: TrainingJob) -> TrainingJob:
        """The job with its changed fields, checked like a manifest."""
        body: dict[str, Any] = job.wire()
        body.pop("status", None)
        for key, value in self.values.items():
            if key not in WORLDLY:
                _put(body["spec"], FIELDS.get(key, key), value)
        return strictly(TrainingJob, body, "--what-if")

    def resolved(self, job: TrainingJob, catalogue: Catalogue) -> Resolved:
        """What is in force for the changed job."""
        resolved = catalogue.resolved(job)
        if "policy" in self.values:
            path = Path(self.values["policy"])
            resolved = resolve(job.spec, (), policy_spec(path, f"--what-if policy={path}"))
        rules: dict[str, Any] = {RULES[key]: self._ratio(key) for key in RULES if key in self.values}
        return replace(resolved, **rules)

    def world(self, world: World) -> World:
        """The changed world: profiles left, and all of them in another zone or facility."""
        update: dict[str, Any] = {}
        if "zone" in self.values:
            update["zone"] = self.values["zone"]
        if "pue" in self.values:
            update["pue"] = self._number("pue")
            if update["pue"] < 1:
                raise UsageError(
                    f"--what-if pue={update['pue']}: a facility uses what its computers use or more: at least 1"
                )
        profiles = self._profiles(world)
        moved = tuple(one.model_copy(update={"spec": one.spec.model_copy(update=update)}) for one in profiles)
        return replace(world, profiles=moved)

    def _profiles(self, world: World) -> tuple[Any, ...]:
        wanted = self.values.get("profile", self.values.get("profiles"))
        if wanted is None:
            return world.profiles
        names = _listed(wanted)
        known = {one.metadata.name for one in world.profiles}
        if missing := [name for name in names if name not in known]:
            there = ", ".join(sorted(known)) or "none"
            raise UsageError(f"--what-if profile={wanted}: no ComputeProfile {', '.join(missing)}; there is {there}")
        return tuple(one for one in world.profiles if one.metadata.name in names)

    def _number(self, key: str) -> Decimal:
        try:
            return Decimal(self.values[key])
        except InvalidOperation as error:
            raise UsageError(f"--what-if {key}={self.values[key]}: must be a number") from error

    def _ratio(self, key: str) -> Decimal:
        value = self._number(key)
        if not 0 <= value <= 1:
            raise UsageError(f"--what-if {key}={value}: must be from 0 to 1")
        return value


def _listed(text: str) -> list[str]:
    """What stands between commas."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _put(spec: dict[str, Any], path: str, text: str) -> None:
    """Set a field by its dotted path; what is no text by the schema is read as YAML."""
    *parents, last = path.split(".")
    for parent in parents:
        spec = spec.setdefault(parent, {})
        if not isinstance(spec, dict):
            raise UsageError(f"--what-if {path}: {parent} has no fields")
    if path in LISTS:
        spec[last] = _listed(text)
        return
    spec[last] = text if _is_text(path) else yaml.safe_load(text)


def _is_text(path: str) -> bool:
    """Whether the schema wants text there: decimals and quantities are text."""
    node: Any = schema(TrainingJob)["properties"]["spec"]
    for name in path.split("."):
        node = node.get("properties", {}).get(name) or node.get("additionalProperties") or {}
        if not isinstance(node, dict):
            return False
    return bool(node.get("type") == "string")
