"""A seed stands for the same programs, whatever is loaded."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytest.importorskip("hypothesis")

from bpfsmt.agree.generated import generated
from bpfsmt.generate.steady import steady


def test_constants_in_source_files_do_not_change_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [program.slots for program in generated(20, 5)]
    source = tmp_path / "numbers_for_hypothesis.py"
    source.write_text("X = [" + ", ".join(str(77_000 + n) for n in range(300)) + "]\n")
    spec = importlib.util.spec_from_file_location("numbers_for_hypothesis", source)
    assert spec is not None
    monkeypatch.setitem(sys.modules, spec.name, importlib.util.module_from_spec(spec))
    assert [program.slots for program in generated(20, 5)] == before


def test_hypothesis_is_left_as_it_was() -> None:
    from hypothesis.internal.conjecture import providers

    usual = providers._get_local_constants
    with steady():
        assert providers._get_local_constants is not usual
        assert not len(providers._get_local_constants())
    assert providers._get_local_constants is usual
