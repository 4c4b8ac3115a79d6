import inspect
import pickle

import pytest

from pairsift import errors
from pairsift.statuses import RowStatus

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.PairsiftError)
]


@pytest.mark.parametrize("kind", ALL)
def test_errors_survive_pickling(kind: type[errors.PairsiftError]) -> None:
    arguments = (
        (RowStatus.IMAGE_EMPTY, "no bytes")
        if issubclass(kind, errors.RowError)
        else ("what was wrong",)
    )
    error = kind(*arguments)
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(back) is kind
    assert back.args == error.args
    assert str(back) == str(error)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_stands_in_the_tree(kind: type[errors.PairsiftError]) -> None:
    assert kind.__name__ in str(errors.__doc__)
    assert kind.exit_code in {1, 2, 3}
