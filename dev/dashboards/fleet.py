"""Fleet: what training cost and what base models saved, by namespace, over time."""

from dashboards.board import Board, Panel, Variable, one, row, several
from dashboards.promql import (
    AVOIDED,
    CHOSEN,
    COST,
    EMBODIED,
    ENERGY,
    FINISHED,
    IN_VAIN,
    JOULES_PER_KILOWATT_HOUR,
    OPERATIONAL,
    so_far,
    total,
)

ENERGY_LABELS = ("component", "grade")
FINISHED_LABELS = ("method", "reason")
SUBSTITUTED = f'{CHOSEN}, method!="FromScratch"'
MODELS_SEEN = f"max_over_time(coppice_trainingjob_info{{{CHOSEN}}}[$__range])"

_SUMS = row(
    "Settled within the time range",
    Panel(
        "Energy",
        "Facility energy: accelerators, CPU, idle share of the hosts and facility overhead.",
        "kwatth",
        one(f"{total(ENERGY, *ENERGY_LABELS)} / {JOULES_PER_KILOWATT_HOUR}"),
        "stat", 4, 4,
    ),
    Panel(
        "Carbon",
        "Operational and embodied carbon, in grams of CO2 equivalent.",
        "massg",
        one(f"{total(OPERATIONAL)} + {total(EMBODIED)}"),
        "stat", 4, 4,
    ),
    Panel(
        "Avoided, at least",
        "Carbon that training from scratch would have cost beyond what was spent: low bound, Measured and Declared bases only.",
        "massg",
        one(total(AVOIDED, "basis", by="basis"), "{{basis}}"),
        "stat", 4, 4,
    ),
    Panel(
        "Spent in vain",
        "Carbon of missed objectives, and of substitution beyond what training from scratch would have cost.",
        "massg",
        one(total(IN_VAIN)),
        "stat", 4, 4,
    ),
    Panel(
        "Substitution rate",
        "Share of jobs that a base model decided, and not training from scratch.",
        "percentunit",
        one(f"({total(FINISHED, *FINISHED_LABELS, where=SUBSTITUTED)} or vector(0)) / {total(FINISHED, *FINISHED_LABELS)}"),
        "stat", 4, 4,
    ),
    Panel(
        "Money",
        "Cost in the installation's currency; profiles without a price add nothing.",
        "none",
        one(total(COST)),
        "stat", 4, 4,
    ),
)  # fmt: skip

_TIME = row(
    "Since each namespace's first job",
    Panel(
        "Energy by component",
        "Settled facility energy. It rises when a job is settled, by all of its attempts at once.",
        "kwatth",
        one(f"sum by (component) ({so_far(ENERGY, *ENERGY_LABELS)}) / {JOULES_PER_KILOWATT_HOUR}", "{{component}}"),
        stacked=True,
    ),
    Panel(
        "Energy by grade",
        "How the figures came about: Measured by a meter, Modelled from counted activity, Estimated from reserved time.",
        "kwatth",
        one(f"sum by (grade) ({so_far(ENERGY, *ENERGY_LABELS)}) / {JOULES_PER_KILOWATT_HOUR}", "{{grade}}"),
        stacked=True,
    ),
    Panel(
        "Carbon by namespace",
        "Settled operational and embodied carbon.",
        "massg",
        one(f"{so_far(OPERATIONAL)} + {so_far(EMBODIED)}", "{{namespace}}"),
        stacked=True,
    ),
    Panel(
        "Avoided by basis",
        "Carbon avoided, low bound: Measured where a control ran, Declared where the user's own plan says what scratch costs.",
        "massg",
        one(f"sum by (basis) ({so_far(AVOIDED, 'basis')})", "{{basis}}"),
        stacked=True,
    ),
)

_WHERE = row(
    "Where from",
    Panel(
        "Jobs by method",
        "Jobs settled within the range, by the method of the attempt that decided them.",
        "short",
        one(total(FINISHED, *FINISHED_LABELS, by="method"), "{{method}}"),
        "bargauge",
    ),
    Panel(
        "Jobs by base model",
        "Jobs shown within the range, by the base model of their latest attempt; without one they trained from scratch.",
        "short",
        one(
            f"sort_desc(count by (base_model) (max by (namespace, trainingjob, base_model) ({MODELS_SEEN})))",
            "{{base_model}}",
        ),
        "bargauge",
    ),
    Panel(
        "Budget of this month",
        "Share of each namespace's budget that settled jobs used, and that open jobs hold by their high estimates.",
        "percentunit",
        several(
            (
                f"max by (namespace, amount) (coppice_namespace_budget_used_ratio{{{CHOSEN}}})",
                "{{namespace}} {{amount}} used",
            ),
            (
                f"max by (namespace, amount) (coppice_namespace_budget_reserved_ratio{{{CHOSEN}}})",
                "{{namespace}} {{amount}} held",
            ),
        ),
        "bargauge",
        12,
    ),
    Panel(
        "Intensity of the grid",
        "In gCO2e per kilowatt-hour, as used. Values of different methods or signals must not be compared.",
        "none",
        one(
            "max by (zone, method, signal, source) (coppice_grid_intensity_grams_per_kilowatt_hour)",
            "{{zone}} {{method}} {{signal}}",
        ),
        width=12,
    ),
)

BOARD = Board(
    uid="coppice-fleet",
    title="Coppice / Fleet",
    description="Energy, carbon and money of training, and what base models avoided, by namespace.",
    variables=(Variable("namespace", "Namespace", OPERATIONAL),),
    rows=(_SUMS, _TIME, _WHERE),
)
