"""The benchmark: `python -m tools.bench` measures umqtt2 beside other clients; docs/performance.md explains it.

`options`, `broker`, `folders` (what a VM imports), `machines` (which run the programs), `programs/` (the
measured loops, for MicroPython and CPython alike), `plan` (what is measured), `rounds` (in which order),
`results` (the file), `claims` (the targets), `table`, `pictures`, `document`.
"""
