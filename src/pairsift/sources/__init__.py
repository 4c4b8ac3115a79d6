"""Reference to bytes: paths, URLs, buckets, base64 and data URIs."""

from pairsift.sources.door import Sources

__all__ = ["Sources"]
