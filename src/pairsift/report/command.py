"""``pairsift report``: a run as one page."""

from pathlib import Path
from typing import Annotated

import typer

from pairsift.config import ReportConfig
from pairsift.options import expand_options


@expand_options
def report(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder, or the enriched table beside it.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page; replaced if there.")
    ],
    *,
    config: ReportConfig,
) -> None:
    """Show a run as one HTML file that opens from disk: scores, failures, pairs to look at.

    The page loads nothing and runs nothing; thumbnails of a few pairs stand in it.
    """
    from pairsift.report.making import write_report

    typer.echo(write_report(run, output, config=config))
