"""A fleet of clients whose broker goes away and comes back: how their reconnects are spread.

`python -m tools.measure.fleet` simulates one, with and without jitter, and calculates what larger ones would do.
"""
