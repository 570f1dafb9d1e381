"""Plots: the same rows give the same file, and what cannot be drawn is said in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bpfsmt.bench.plot import check_plot, write_plot
from bpfsmt.bench.rows import Row
from bpfsmt.bench.spread import Spread
from bpfsmt.errors import BpfsmtError

ROWS = [
    Row("drop", kernel=Spread.of([30.0, 31.0, 36.0]), machine=Spread.of([3000.0, 3600.0])),
    Row("ddos-attack", 100, kernel=Spread.of([60.0, 61.0, 76.0])),
    Row("broken", problem="nothing measured"),
]


def test_a_drawing_with_all_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    write_plot(path, ROWS, "one CPU")
    text = path.read_text()
    assert text.startswith("<?xml")
    for shown in ("drop", "ddos-attack 100", "broken", "one CPU", "kernel", "machine", "32.3"):
        assert f">{shown}<" in text or f"> {shown}<" in text or f">{shown} <" in text
    write_plot(tmp_path / "y.svg", ROWS, "one CPU")
    assert (tmp_path / "y.svg").read_bytes() == path.read_bytes()


def test_pixels(tmp_path: Path) -> None:
    write_plot(tmp_path / "x.png", ROWS, "one CPU")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_measured(tmp_path: Path) -> None:
    write_plot(tmp_path / "x.svg", [ROWS[2]], "one CPU")
    assert "<svg" in (tmp_path / "x.svg").read_text()


def test_what_cannot_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BpfsmtError, match=r"x.gif: a plot is one of .svg, .png, .pdf"):
        check_plot(tmp_path / "x.gif")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(BpfsmtError, match=r"pip install 'bpfsmt\[plot\]'"):
        check_plot(tmp_path / "x.svg")
