"""What a whole set will take, from a sample of it on this machine (docs/planning.md)."""
