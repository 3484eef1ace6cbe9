"""What umqtt2 takes and does, measured beside other clients: `python -m tools.measure WHAT`, see `--help`.

Each measurement is a module, named as its WHAT, with

    measure(options)         measures, and gives the figures: what JSON can keep
    parts(figures)           gives tables and texts of them, by name

and, where there is something to do, with

    options(parser)          adds its arguments to the command line
    PAGES                    which parts are published, between `<!-- NAME: begin -->` and `end`, in which page of docs/
    draw(figures, folder)    draws the pictures of them, into a folder like docs/
    problems(figures)        says what is wrong: a budget that is exceeded, a message that is lost

Figures that are published are kept in docs/figures.json (`published`), of which `python -m tools.measure pages` makes
tables and pictures again. The modules share `programs` (what VM and CPython run), `loops` (the measured clients and
their broker), `budget` (what a build may take at the most), `pictures` and `tools.tables`.
"""
