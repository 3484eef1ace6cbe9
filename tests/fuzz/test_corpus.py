"""Replay the collected fuzzing inputs, in a few seconds."""

from __future__ import annotations

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_corpus(name):
    inputs = corpus.read(name)
    assert inputs
    for number, data in enumerate(inputs, 1):
        try:
            TARGETS[name].run(data)
        except Exception as e:
            raise AssertionError(f"corpus/{name}.txt, line {number}") from e


def test_the_corpus_is_small():
    assert sum(path.stat().st_size for path in corpus.FOLDER.iterdir()) < 200 * 1024
