"""The attempt record: which rung a child runs, as an annotation on it.

With the decision record beside it a child says everything that status says about its attempt, so a crash between
creating it and writing status loses nothing.
"""

from decimal import Decimal

from coppice.api.base import DecimalString, Model
from coppice.api.meta import BaseModelReference
from coppice.api.vocabulary import AttemptKind, Evidence, Method


class AttemptRecord(Model):
    """One attempt as it was created."""

    number: int
    kind: AttemptKind = AttemptKind.TRAIN
    method: Method
    base_model: BaseModelReference | None = None
    profile: str
    accelerators: int = 0
    pods: int = 1
    cpu_cores: DecimalString = Decimal(0)
    memory_bytes: int = 0
    claim_name: str
    output_path: str
    license: str = ""
    evidence: Evidence = Evidence.EVALUATED
    approval: str | None = None
