"""Images and captions into one space: one module a runtime."""

import sys

# `import openvino` reports itself to Google Analytics through this package, and writes a client id
# into the home folder, unless CI is set; NNCF does the same. Both go on without it. This runs
# before any module here, or in ``quantizing``, imports either.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
