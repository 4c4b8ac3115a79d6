"""``python -m pairsift``."""

from pairsift.cli import main

main()
