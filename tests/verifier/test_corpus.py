"""Real programs, compiled from C: the verifier accepts them all."""

from pathlib import Path

import pytest

from bpfsmt.program.load import load
from bpfsmt.verifier import verify

from .common import PAPER

OBJECTS = sorted((Path(__file__).parents[2] / "bench_programs").glob("*/*.o"))


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_accepted(path: Path) -> None:
    programs = load(path, strict=True).programs
    assert programs
    for program in programs:
        assert verify(program, PAPER).verdict.accepted, program.name


def test_there_are_some() -> None:
    assert len(OBJECTS) > 20
