"""Score how well each caption fits its image, as a column in your own table."""

__version__ = "0.1.0"
