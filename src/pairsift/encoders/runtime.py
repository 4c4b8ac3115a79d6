"""OpenVINO, imported without its telemetry; nothing else in the package imports it.

``import openvino`` sends an event to Google Analytics, from a process of its own and with an
identity that it keeps in the home folder, unless the machine looks like a build server or the user
has opted out. Where the package that sends is not installed, OpenVINO and NNCF take an empty
stand-in of their own; so here that package is made to look missing, in this process only.
"""

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402 - after the line above, or it is too late
from openvino import opset13 as ops  # noqa: E402

__all__ = ["ops", "ov"]
