"""Programs that answer one question about speed each."""
