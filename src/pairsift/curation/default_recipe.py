"""The default recipe as far as a run can follow it; what it cannot is left out, and said."""

from pairsift import schema
from pairsift.curation.recipe import DEFAULT_RECIPE, Recipe, parse_recipe
from pairsift.curation.scored_tables import lacks, why_unknown
from pairsift.runs import Run

_WRONG_PAIRS = 'drop = ["swap", "shift", "boilerplate", "url", "file name", "number or id"]'
_BY_SHAPE = 'drop = ["url", "file name", "number or id"]  # the others need embeddings'
_COPIES = """\
[[rule]]
kind = "duplicates"     # of one picture the best scored pair stays
by = ["exact"]

"""


def default_recipe(run: Run) -> tuple[Recipe, list[str]]:
    """Return the default recipe for a run, and in words what of it is left out.

    A recipe that somebody wrote is followed or refused; the default is followed as far as it goes.

    Args:
        run: Opened.
    """
    text = DEFAULT_RECIPE
    left_out = []
    if run.info["embeddings"] != "all":
        text = text.replace(_WRONG_PAIRS, _BY_SHAPE)
        left_out.append(
            "swaps, shifts and boilerplate are not looked for: that takes the embeddings of all "
            "rows (hint: score with --embeddings all)"
        )
    if lacks(run, schema.IMAGE_SHA256):
        text = text.replace(_COPIES, "")
        why = why_unknown(run, schema.IMAGE_SHA256)
        left_out.append(f"copies are not looked for: {why}")
    return parse_recipe(text), left_out
