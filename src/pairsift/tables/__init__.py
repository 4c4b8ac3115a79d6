"""Reader and writer of each table format, side by side."""
