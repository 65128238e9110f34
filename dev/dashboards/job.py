"""Job: one TrainingJob from decision to account."""

from dashboards.board import Board, Panel, Variable, one, row, several
from dashboards.promql import CHOSEN, JOB, of_job

ENERGY_GAUGE = "coppice_trainingjob_energy_joules"
WINDOW = "5m"
POWER = f"clamp_min(deriv({ENERGY_GAUGE}{{{JOB}}}[{WINDOW}]), 0)"

_WHAT = row(
    "What was decided, and how it stands",
    Panel(
        "Decision",
        "Method, base model and profile of the latest attempt, and why this plan was chosen.",
        "short",
        one(
            "max by (namespace, trainingjob, task, method, base_model, profile, decision_reason)"
            f" (coppice_trainingjob_info{{{JOB}}})"
        ),
        "table",
        14,
        6,
    ),
    Panel(
        "Conditions",
        "Conditions of the job until its account is closed, with their reasons.",
        "short",
        one(of_job("coppice_trainingjob_condition", "condition", "status", "reason")),
        "table",
        10,
        6,
    ),
)

_ENERGY = row(
    "Energy",
    Panel(
        "Energy so far",
        "Facility energy of all attempts, by component; the components add up to the whole.",
        "joule",
        one(f"sum by (component) ({of_job(ENERGY_GAUGE, 'component', 'grade')})", "{{component}}"),
        width=12,
        stacked=True,
    ),
    Panel(
        "Power",
        f"Mean facility power over {WINDOW}, from the energy so far; an account settled at once shows as a peak.",
        "watt",
        one(f"sum by (component) (max by (namespace, trainingjob, component, grade) ({POWER}))", "{{component}}"),
        width=12,
        stacked=True,
    ),
    Panel(
        "Energy by grade",
        "How the figures came about.",
        "joule",
        one(f"sum by (grade) ({of_job(ENERGY_GAUGE, 'component', 'grade')})", "{{grade}}"),
        "bargauge",
        8,
    ),
    Panel(
        "Estimated before the start",
        "Facility energy that the decision expected of its first rung, 10th to 90th percentile, beside what came out.",
        "joule",
        several(
            (of_job("coppice_trainingjob_estimated_energy_joules", "bound"), "estimated {{bound}}"),
            (f"sum by (namespace, trainingjob) ({of_job(ENERGY_GAUGE, 'component', 'grade')})", "came out"),
        ),
        "bargauge",
        8,
    ),
    Panel(
        "Coverage",
        "Share of the reserved time for which a meter gave samples.",
        "percentunit",
        one(of_job("coppice_trainingjob_coverage_ratio"), "{{trainingjob}}"),
        "stat",
        8,
    ),
)

_CARBON = row(
    "Carbon",
    Panel(
        "Operational and embodied",
        "Operational: energy by time slot x intensity of the grid. Embodied: the job's share of making the hardware.",
        "massg",
        several(
            (of_job("coppice_trainingjob_operational_carbon_grams"), "operational"),
            (of_job("coppice_trainingjob_embodied_carbon_grams"), "embodied"),
        ),
        stacked=True,
        width=8,
    ),
    Panel(
        "Avoided",
        "Against the counterfactual, 10th to 90th percentile; negative where substitution cost more. Assumed bases are illustrative.",
        "massg",
        one(of_job("coppice_trainingjob_avoided_carbon_grams", "bound", "basis"), "{{bound}} ({{basis}})"),
        "bargauge",
        8,
    ),
    Panel(
        "Software Carbon Intensity",
        "gCO2e for one model that met its objective, and per unit of work; absent where the objective was missed.",
        "massg",
        several(
            (of_job("coppice_trainingjob_sci_grams_per_model"), "per model"),
            (of_job("coppice_trainingjob_sci_grams_per_exaflop"), "per exaflop"),
            (of_job("coppice_trainingjob_sci_grams_per_million_tokens"), "per million tokens"),
            (of_job("coppice_trainingjob_sci_grams_per_billion_parameters"), "per billion parameters"),
        ),
        "stat",
        8,
    ),
    Panel(
        "Intensity of the grid",
        "In gCO2e per kilowatt-hour, as used, with method, signal and source.",
        "none",
        one("max by (zone, method, signal, source) (coppice_grid_intensity_grams_per_kilowatt_hour)"),
        width=24,
        height=6,
    ),
)

BOARD = Board(
    uid="coppice-job",
    title="Coppice / Job",
    description="One TrainingJob: its decision, its attempts' energy and carbon, and what it avoided.",
    variables=(
        Variable("namespace", "Namespace", "coppice_trainingjob_info"),
        Variable("trainingjob", "TrainingJob", f"coppice_trainingjob_info{{{CHOSEN}}}"),
    ),
    rows=(_WHAT, _ENERGY, _CARBON),
    since="now-6h",
)
