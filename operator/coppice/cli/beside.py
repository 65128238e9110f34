"""Two plans of one job side by side: as it is, and what if."""

from collections.abc import Mapping

from rich.table import Table

from coppice.api.decision import CandidateRecord, DecisionRecord
from coppice.cli.figures import interval, percent
from coppice.cli.names import Names
from coppice.cli.plan import pue_of
from coppice.cli.planned import Planned
from coppice.planning.approval import demands
from coppice.planning.decision import Refusal

MISSING = "-"


def beside(before: Planned, after: Planned, changes: Mapping[str, str]) -> Table:
    """The comparison: one row for each thing that people decide by, what differs in bold."""
    changed = ", ".join(f"{key}={value}" for key, value in changes.items())
    table = Table(title=f"What if {changed}", title_justify="left")
    for name in ("", "as it is", "what if"):
        table.add_column(name, overflow="fold")
    one, other = _facts(before), _facts(after)
    for name in {**one, **other}:
        values = one.get(name, MISSING), other.get(name, MISSING)
        table.add_row(name, *values, style="bold" if values[0] != values[1] else "dim")
    return table


def _facts(plan: Planned) -> dict[str, str]:
    decision = plan.decision
    if isinstance(decision, Refusal):
        return {"verdict": plan.verdict, "reason": decision.reason, "ladder": decision.message}
    facts = {"verdict": str(plan.verdict), "reason": str(decision.reason), "ladder": _ladder(decision)}
    facts |= {"first": "a probe"} if decision.probe else {}
    facts |= {"chance together": percent(float(decision.ladder_chance))} if decision.ladder_chance is not None else {}
    facts |= _amounts("first rung", decision.ladder[0])
    if decision.counterfactual is not None:
        compared = decision.counterfactual
        facts[f"scratch, {compared.basis.lower()}"] = f"{interval(compared.estimate.carbon_grams, 'g')} CO2e"
    if decision.expected_saving_grams is not None:
        facts["expected saving"] = f"{interval(decision.expected_saving_grams, 'g')} CO2e"
    where = decision.intensity.zone or "no zone"
    intensity = decision.intensity
    facts["intensity"] = f"{intensity.grams_per_kilowatt_hour} g/kWh ({where}: {intensity.source})"
    facts["PUE"] = pue_of(decision)
    acknowledged = (f"acknowledgement of {text}" for text in decision.unacknowledged)
    conditions = [*demands(decision), *acknowledged, *(f"to {text}" for text in plan.waits)]
    facts |= {"needs": "\n".join(conditions)} if conditions else {}
    return facts


def _amounts(name: str, rung: CandidateRecord) -> dict[str, str]:
    estimate = rung.estimate
    return {
        f"{name}: carbon": f"{interval(estimate.carbon_grams, 'g')} CO2e",
        f"{name}: energy": interval(estimate.energy_watt_hours, "Wh"),
        f"{name}: run time": interval(estimate.run_seconds, "s"),
    }


def _ladder(record: DecisionRecord) -> str:
    names = Names(record)
    return ", then ".join(
        f"{rung.method} on {names.of(rung.base_model)}" if rung.base_model else "scratch" for rung in record.ladder
    )
