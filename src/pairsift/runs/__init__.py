"""The run folder: what is kept of a job, shard by shard, and how it is read (docs/runs.md)."""

from pairsift.runs.overlays import ShardEmbeddings
from pairsift.runs.reading import Run, open_run

__all__ = ["Run", "ShardEmbeddings", "open_run"]
