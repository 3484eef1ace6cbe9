"""The benchmark: `python -m tools.measure.speed` measures umqtt2 beside other clients; docs/performance.md explains it.

`machines` (which run the loops of `tools.measure.loops`), `plan` (what is measured), `rounds` (in which order),
`results` (the file), `claims` (the targets), `text` (the tables), `pictures`, `document`.
"""
