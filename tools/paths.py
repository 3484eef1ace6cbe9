"""Paths that tools and tests share. build/, which git ignores, is for all that is fetched or built."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
BUILD = REPO / "build"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock, so that two processes never prepare the same thing at once."""
    folder = BUILD / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a new empty folder: it replaces `target` if the block raises nothing, and is removed otherwise. One process
    may do so at a time; what one that was killed has left is removed by the next."""
    draft = target.with_name(f".{target.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        if target.exists():
            shutil.rmtree(target)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def made_once(folder: Path, make: Callable[[Path], object], made_of: str = "") -> Path:
    """Give a folder below build/. When it is not there, `make` is called with an empty one, which becomes it if nothing
    is raised; of several processes one does that. A folder that was made of something else is made anew."""
    stamp = folder / ".made-of"
    with locked("-".join(folder.relative_to(BUILD).parts)):
        if not folder.exists() or made_of != (stamp.read_text("utf-8") if stamp.exists() else ""):
            with new_folder(folder) as draft:
                make(draft)
                if made_of:
                    (draft / stamp.name).write_text(made_of, "utf-8")
    return folder
