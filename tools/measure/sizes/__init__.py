"""How much of a board's flash and heap each client takes: `python -m tools.measure.sizes`."""
