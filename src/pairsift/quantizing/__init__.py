"""Static int8 of a model's towers, with ranges from the user's own pairs, behind a gate."""

import pairsift.encoders  # noqa: F401 - first: it keeps OpenVINO and NNCF from reporting
