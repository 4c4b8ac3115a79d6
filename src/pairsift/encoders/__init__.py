"""Images and captions into one space: one module a runtime."""
