"""Which model, at which precision, is good enough for the user's own pairs: without labels."""
