"""How many instructions a call takes: `python -m tools.measure.instructions`.

The 64-bit VM runs under valgrind's callgrind, against a real broker. `callgrind` runs one program and counts,
`measure` has the measures and the clients, `budget` what our build may take at the most.
"""
