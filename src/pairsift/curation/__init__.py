"""From scores and embeddings to decisions: every row gets a reason, none is lost."""
