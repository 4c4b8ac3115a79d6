"""One page that shows a run: what was scored, what failed, what to keep (docs/report.md)."""
