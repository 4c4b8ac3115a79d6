"""OpenVINO without its telemetry."""

import subprocess
import sys

PROBE = """
import sys
import pairsift.encoders.runtime
from openvino.tools.ovc import telemetry_utils
print(telemetry_utils.tm.__name__, sys.modules["openvino_telemetry"])
"""


def test_its_telemetry_is_the_empty_stand_in() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "None"]
