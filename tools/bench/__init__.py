"""The benchmark: `python -m tools.bench` measures umqtt2 beside its peers; docs/performance.md explains it.

`options`, `broker`, `folders` (what a VM imports), `machines` (which run the programs), `programs/` (the
measured loops, for MicroPython and CPython alike), `plan` (what is measured), `rounds` (in which order),
`results` (the file), `claims` (what was to be reached), `table`, `pictures`, `document`.
"""
