"""Where a job runs; an engine receives a build function and imports no encoder."""
