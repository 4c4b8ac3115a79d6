"""Score some broken pictures or tables in a process of its own, and say what became of them.

    python -m benchmarks.fuzz.worker images|tables SEED REPORT INDEX [INDEX …]

A crash or a hang is for the caller to notice; everything else that must not happen is in the
report.
"""

import json
import resource
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fuzz.image_cases import check_images, image_case
from benchmarks.fuzz.reports import Report
from benchmarks.fuzz.table_cases import check_tables, table_case

MOST_ADDRESS_SPACE = 6 << 30
"""Bytes that a process may map: several times what the limits on pixels allow to be decoded."""


def main(arguments: Sequence[str]) -> None:
    """Run one chunk."""
    what, seed, path, *indices = arguments
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESS_SPACE, MOST_ADDRESS_SPACE))
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        try:
            if what == "images":
                images = [image_case(int(seed), int(index)) for index in indices]
                check_images(images, report, Path(folder))
            else:
                tables = [table_case(int(seed), int(index)) for index in indices]
                check_tables(tables, report, Path(folder))
        except Exception:  # noqa: BLE001 - whatever ends a job is a finding
            report.find(f"{what} {', '.join(indices)} of seed {seed}", traceback.format_exc())
    report.peak_rss_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    Path(path).write_text(json.dumps(report.to_json()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
