"""What a decision believed and why: of each chance and each estimate the prior, the evidence with n, the posterior.

A chance's prior is a sum of log-odds. People read odds better, so each part is shown as what it multiplies them by.
"""

from collections.abc import Iterable, Iterator
from math import exp

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from coppice.api.decision import CandidateRecord, DecisionRecord
from coppice.cli.figures import percent
from coppice.cli.names import Names

NOT_TERMS = frozenset({"afterMisses", "evidenceMet", "evidenceWeight"})
QUANTITIES = {"time": "run time", "power": "power", "memory": "memory"}


def learned(record: DecisionRecord) -> list[RenderableType]:
    """How chances and estimates of the ladder came about; corrections only where jobs taught any."""
    shown = [*record.ladder, *([record.forgone] if record.forgone else [])]
    names = Names(record)
    parts: list[RenderableType] = [_chances(shown, names)] if shown else []
    corrections = _corrections(shown, names)
    parts += [corrections] if corrections.row_count else []
    if record.chance_score is not None:
        parts.append(Text(f"Chances: {record.chance_score.statement}."))
    controls = record.controls
    if controls is not None:
        ranked = f"Base models by parameter count alone: {', '.join(controls.parameters)}"
        static = f"; by mean rank on other data: {', '.join(controls.static_rank)}" if controls.static_rank else ""
        parts.append(Text(f"{ranked}{static}. Neither ranking has a say."))
    return parts


def _chances(candidates: Iterable[CandidateRecord], names: Names) -> Table:
    table = Table(title="Chances: prior, evidence, posterior", title_justify="left")
    for name in ("", "prior", "its odds, multiplied from", "evidence", "chance"):
        table.add_column(name, overflow="fold", no_wrap=name in {"prior", "chance"})
    for one in candidates:
        parts = ", ".join(f"{name} x{exp(term):.2g}" for name, term in _terms(one))
        chance = percent(float(one.chance.value))
        table.add_row(_name(one, names), percent(float(one.chance.prior)), parts or "-", _evidence(one), chance)
    return table


def _terms(candidate: CandidateRecord) -> Iterator[tuple[str, float]]:
    """The parts of a prior that move it, in log-odds."""
    for name, term in candidate.chance.inputs.items():
        if name not in NOT_TERMS and float(term):
            yield name, float(term)


def _evidence(candidate: CandidateRecord) -> str:
    chance = candidate.chance
    inputs = chance.inputs
    said = [f"n = {chance.observations}, {chance.basis}"]
    if "evidenceWeight" in inputs:
        said.append(f"they weigh {inputs['evidenceWeight']} jobs, of which {inputs['evidenceMet']} met the target")
    if "afterMisses" in inputs:
        said.append(f"{100 * float(inputs['afterMisses']):+.0f} % points after misses of the same base model")
    return "; ".join(said)


def _corrections(candidates: Iterable[CandidateRecord], names: Names) -> Table:
    table = Table(title="Estimates corrected by finished jobs", title_justify="left")
    for name in ("", "of", "prior", "evidence: jobs", "factor", "sigma"):
        table.add_column(name, overflow="fold", no_wrap=name in {"prior", "factor", "sigma"})
    for one in candidates:
        inputs = one.estimate.inputs
        for key, words in QUANTITIES.items():
            if f"{key}Factor" in inputs:
                evidence = str(inputs.get(f"{key}Evidence", ""))
                sigma = str(inputs.get(f"{key}FactorSigma", ""))
                table.add_row(_name(one, names), words, "x1", evidence, f"x{float(inputs[f'{key}Factor']):.3g}", sigma)
    return table


def _name(candidate: CandidateRecord, names: Names) -> str:
    return f"{candidate.method} {names.of(candidate.base_model)}" if candidate.base_model else str(candidate.method)
