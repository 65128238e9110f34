"""The expressions that several panels and rules share."""

ENERGY = "coppice_namespace_energy_joules_total"
OPERATIONAL = "coppice_namespace_operational_carbon_grams_total"
EMBODIED = "coppice_namespace_embodied_carbon_grams_total"
AVOIDED = "coppice_namespace_avoided_carbon_grams_total"
IN_VAIN = "coppice_namespace_spent_in_vain_carbon_grams_total"
FINISHED = "coppice_namespace_trainingjobs_finished_total"
COST = "coppice_namespace_cost_total"
JOULES_PER_KILOWATT_HOUR = "3.6e6"
CHOSEN = 'namespace=~"$namespace"'
JOB = 'namespace=~"$namespace", trainingjob=~"$trainingjob"'


def so_far(metric: str, *labels: str, where: str = CHOSEN) -> str:
    """A ledger counter by namespace and further labels; two replicas may both have shown it around a change of leader."""
    return f"max by ({', '.join(('namespace', *labels))}) ({metric}{{{where}}})"


def settled(metric: str, *labels: str, where: str = CHOSEN) -> str:
    """What was added to a ledger counter within the range.

    The counter rises in steps, one a job, and never falls: the difference of two values is exact where `increase`
    would extrapolate. A series that began within the range began at 0.
    """
    now, then = so_far(metric, *labels, where=where), f"{so_far(metric, *labels, where=where)[:-1]} offset $__range)"
    return f"({now} - ({then} or {now} * 0))"


def total(metric: str, *labels: str, by: str = "", where: str = CHOSEN) -> str:
    """What was added within the range over every namespace chosen, as a whole or by one of the labels."""
    return f"sum{f' by ({by})' if by else ''} ({settled(metric, *labels, where=where)})"


def of_job(metric: str, *labels: str, more: str = "") -> str:
    """A job's gauge, once whoever exports it."""
    return f"max by ({', '.join(('namespace', 'trainingjob', *labels))}) ({metric}{{{JOB}{more}}})"
