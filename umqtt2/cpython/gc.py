"""CPython needs no help in collecting garbage, and would take long for it."""


def collect() -> None:
    """Do nothing."""
