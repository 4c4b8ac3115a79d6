"""Breaks pictures and tables on purpose, and looks whether pairsift loses a row over it.

    python -m benchmarks.fuzz --images 5000 --tables 500 --seed 1

``pictures`` and ``tables`` draw what is whole, ``layouts`` finds its parts, ``mutations`` breaks
it, ``worker`` scores it in a process of its own, and ``__main__`` counts what came out.
"""
