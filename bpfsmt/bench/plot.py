"""A picture of the rows: million packets per second, in the kernel and in the machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bpfsmt.bench.rows import Row
from bpfsmt.bench.spread import Spread
from bpfsmt.errors import BpfsmtError

SUFFIXES = (".svg", ".png", ".pdf")

_BAR = 0.38
_COLOURS = {"kernel": "#1b6ca8", "machine": "#c8553d"}


def write_plot(path: str | Path, rows: Sequence[Row], title: str) -> None:
    """Draw one pair of bars for each row, with its spread from the slowest to the fastest run.

    The axis is logarithmic: a JIT and an interpreter are on it.  The same rows give the
    same bytes.  Raises `BpfsmtError` for an unknown suffix or without matplotlib, and
    `OSError`.
    """
    check_plot(path)
    matplotlib = _library()
    with matplotlib.rc_context({"svg.hashsalt": "bpfsmt", "svg.fonttype": "none"}):
        figure = matplotlib.figure.Figure(figsize=(8, 1.2 + 0.42 * len(rows)), layout="constrained")
        axes = figure.subplots()
        _draw(axes, rows)
        axes.set_title(title, fontsize=10)
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center", ncols=2, fontsize=8)
        figure.savefig(path, metadata=_METADATA.get(Path(path).suffix, {}))


_METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".png": {"Software": None},
}
"""No time and no version: the same rows give the same file."""


def check_plot(path: str | Path) -> None:
    """Whether a plot can be written there, before anything is measured."""
    if Path(path).suffix not in SUFFIXES:
        raise BpfsmtError(f"{path}: a plot is one of {', '.join(SUFFIXES)}")
    _library()


def _library() -> Any:
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError:
        raise BpfsmtError(
            "plots need matplotlib, which is not installed: pip install 'bpfsmt[plot]'"
        ) from None
    return matplotlib


def _draw(axes: Any, rows: Sequence[Row]) -> None:
    for offset, name, spreads in (
        (-_BAR / 2, "kernel", [row.kernel for row in rows]),
        (+_BAR / 2, "machine", [row.machine for row in rows]),
    ):
        measured = [(at, s.per_second()) for at, s in enumerate(spreads) if s is not None]
        if measured:
            _bars(axes, offset, name, measured)
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first on top, and no more room than a row needs
    axes.set_xscale("log")
    axes.set_xlabel("million packets per second, one CPU (median; lines: all runs)", fontsize=8)
    axes.grid(axis="x", which="major", linewidth=0.4)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _bars(axes: Any, offset: float, name: str, measured: Sequence[tuple[int, Spread]]) -> None:
    medians = [spread.median / 1e6 for _, spread in measured]
    below = [(spread.median - spread.least) / 1e6 for _, spread in measured]
    above = [(spread.most - spread.median) / 1e6 for _, spread in measured]
    axes.barh(
        [at + offset for at, _ in measured], medians, _BAR, xerr=[below, above], label=name,
        color=_COLOURS[name], error_kw={"elinewidth": 1, "capsize": 2},
    )  # fmt: skip
    for (at, spread), median in zip(measured, medians, strict=True):
        axes.annotate(  # beside the line, which is no longer than to the fastest run
            f" {median:.3g}", (spread.most / 1e6, at + offset), fontsize=7, va="center",
            ha="left", xytext=(3, 0), textcoords="offset points",
        )  # fmt: skip
