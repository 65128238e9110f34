"""Software Carbon Intensity: carbon per unit of what came out, C per R with C = operational + embodied.

SCI 1.1 (ISO/IEC 21031:2024) and SCI for AI, Provider role. The boundary is every attempt of the job with all hardware
it reserved, PUE included; the operator, registries, stored caches and what a base model's own pre-training cost are
outside (the latter is disclosed as inherited). R is gross: FLOPs and tokens of every attempt, as their carbon is.
R = 0 has no score: it is absent, never 0 or infinity.
"""

from decimal import Decimal

from coppice.accounting.account import Account
from coppice.api.base import rounded
from coppice.api.trainingjob_status import SciStatus

TERAFLOP_PER_EXAFLOP = Decimal(10**6)
TOKENS_PER_MILLION = Decimal(10**6)
PARAMETERS_PER_BILLION = Decimal(10**9)


def per_unit(carbon_grams: Decimal, units: Decimal) -> Decimal | None:
    """gCO2e per unit to four significant digits; None for 0 units."""
    return rounded(float(carbon_grams / units)) if units > 0 else None


def sci(account: Account, *, models: int, parameters: int | None = None) -> SciStatus | None:
    """The job's scores: `models` is 1 where a model that meets the objective came out, else 0 and there is no score.

    `parameters` counts those of the model that came out.
    """
    if models < 1:
        return None
    carbon = account.carbon_grams
    return SciStatus(
        grams_per_model=per_unit(carbon, Decimal(models)),
        grams_per_exaflop=per_unit(carbon, account.work.teraflop / TERAFLOP_PER_EXAFLOP),
        grams_per_million_tokens=per_unit(carbon, account.work.tokens / TOKENS_PER_MILLION),
        grams_per_billion_parameters=per_unit(carbon, (parameters or 0) / PARAMETERS_PER_BILLION),
    )
