"""Which modules have no doctests to run here: those of an extra that is not installed."""

from importlib.util import find_spec

EXTRAS = {"ray": "src/pairsift/engines/ray.py", "pyspark": "src/pairsift/spark.py"}

collect_ignore = [path for package, path in EXTRAS.items() if find_spec(package) is None]
