"""Whether a base model can be used, as its Ready condition says."""

from coppice.api.basemodel import BaseModelSpec
from coppice.api.reasons import ModelReason


def readiness(spec: BaseModelSpec, claim_exists: bool | None) -> tuple[bool, ModelReason, str]:
    """Whether jobs may use the model, why, and a sentence for whoever registered it.

    `claim_exists` is False where the source's PersistentVolumeClaim is gone, None where it names none or nobody
    looked.
    """
    if spec.architecture.trust_remote_code:
        return False, ModelReason.REMOTE_CODE, ModelReason.REMOTE_CODE.sentence
    missing = [file.name for file in spec.source.files if file.digest is None]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        sentence = f"spec.source.files: {missing[0]}{more} has no digest; add digest: sha256:<hex>"
        return False, ModelReason.DIGEST_MISSING, sentence
    if claim_exists is False:
        sentence = f"the claim of {spec.source.uri} is gone; restore it or register the model from another source"
        return False, ModelReason.SOURCE_MISSING, sentence
    return True, ModelReason.READY, ModelReason.READY.sentence
