"""What an attempt is for follows from its method."""

import pytest

from coppice.api.vocabulary import AttemptKind, Method
from coppice.workloads.run import kind_of


@pytest.mark.parametrize("method", list(Method))
def test_only_a_model_used_as_it_is_is_judged_without_training(method: Method) -> None:
    assert (kind_of(method) is AttemptKind.EVALUATE) == (method is Method.AS_IS)
