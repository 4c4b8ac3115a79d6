"""NNCF, without its analytics: what turns a tower into int8."""

import contextlib
import importlib
import io
import logging
import os
import warnings
from collections.abc import Sequence
from typing import Any

import openvino as ov
from numpy.typing import NDArray

from pairsift.errors import MissingExtraError, ModelError

INSTALL = 'int8 needs an extra: pip install "pairsift[quantize]"'

RECIPE = {
    "products": "int8, symmetric weights by output channel, inputs by tensor",
    "ranges": "least and greatest of all calibration pairs",
    "smoothing": "SmoothQuant, as for transformers",
    "left in fp32": "the last product, and everything between products",
}
"""What is done, in words, for the card. Why: docs/int8.md."""


def load_nncf() -> Any:
    """Import NNCF so that it reports nothing to anybody.

    Its analytics go through the same package as OpenVINO's, which ``pairsift.encoders`` hides; its
    own switch is set as well, for a process that had imported that package before.

    Raises:
        MissingExtraError: It is not installed.
    """
    os.environ.setdefault("NNCF_CI", "1")
    loggers = logging.getLoggerClass()
    try:
        with warnings.catch_warnings():
            # Deprecations inside it, and in what it imports, are not for whoever calls us.
            warnings.simplefilter("ignore")
            nncf = importlib.import_module("nncf")
    except ImportError as error:
        raise MissingExtraError(INSTALL) from error
    finally:
        # It makes every logger of the process one of its own kind.
        logging.setLoggerClass(loggers)
    logging.getLogger("nncf").setLevel(logging.ERROR)  # its own way also changes others' handlers
    return nncf


def quantize_tower(tower: ov.Model, inputs: Sequence[NDArray[Any]]) -> ov.Model:
    """Return a tower with int8 products.

    Args:
        tower: From pixels or token ids to unit-norm rows.
        inputs: Calibration batches as the tower takes them, in the order in which they are used.

    Returns:
        A new tower; the same inputs give the same tower.

    Raises:
        MissingExtraError: NNCF is not installed.
        ModelError: NNCF cannot quantise it.
    """
    nncf = load_nncf()
    ranges = nncf.quantization.range_estimator.RangeEstimatorParametersSet.MINMAX
    # Its bars go to standard output, which is for data.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return nncf.quantize(
                tower,
                nncf.Dataset(list(inputs)),
                subset_size=len(inputs),
                model_type=nncf.ModelType.TRANSFORMER,
                ignored_scope=nncf.IgnoredScope(names=[last_product(tower)]),
                advanced_parameters=nncf.AdvancedQuantizationParameters(
                    activations_range_estimator_params=ranges
                ),
            )
        except (RuntimeError, ValueError, nncf.errors.ValidationError) as error:
            raise ModelError(f"NNCF cannot quantise {tower.get_name()}: {error}") from error


def last_product(tower: ov.Model) -> str:
    """Return the name of the product that is nearest to a tower's output: the projection."""
    level = [tower.output(0).get_node()]
    while level:
        for node in level:
            if node.get_type_name() == "MatMul":
                return str(node.get_friendly_name())
        level = [parent.get_node() for node in level for parent in node.input_values()]
    raise ModelError(f"{tower.get_name()} holds no product")
