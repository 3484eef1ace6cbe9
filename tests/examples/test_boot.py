"""Wi-Fi in boot.py: it is there, or is not yet."""

from __future__ import annotations

from tests.examples.board import Board, wait_for_line


def test_it_waits_for_the_network(board: Board) -> None:
    board.copy("boot.py")
    with board.start("boot.py") as run:
        wait_for_line(run, "Wi-Fi: 192.0.2.7")


def test_main_starts_without_a_network(board: Board) -> None:
    (board.folder / "no-wifi").touch()
    board.copy("boot.py", NAME="home", SECONDS=0)
    with board.start("boot.py") as run:
        wait_for_line(run, "Wi-Fi: not in home yet: STAT_CONNECTING")
