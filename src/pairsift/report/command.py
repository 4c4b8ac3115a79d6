"""``pairsift report``: a run as one page."""

from pathlib import Path
from typing import Annotated

import typer

from pairsift.config import ReportConfig, TableConfig
from pairsift.options import Only, expand_options


@expand_options
def report(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="The run folder, or the scored table; best with its run folder beside.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page; replaced if there.")
    ],
    *,
    config: ReportConfig,
    table_config: Annotated[TableConfig, Only(("image_column", "caption_column", "image_root"))],
) -> None:
    """Show a run as one HTML file that opens from disk: scores, failures, pairs to look at.

    The page loads nothing and runs nothing; thumbnails of a few pairs stand in it.
    """
    from pairsift.report.making import write_report

    typer.echo(write_report(run, output, config=config, table=table_config))
