"""The rows of ``bpfsmt bench`` as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from bpfsmt.bench.measure import Effort
from bpfsmt.bench.rows import Row
from bpfsmt.bench.spread import Spread
from bpfsmt.cli.boundary import clean
from bpfsmt.cli.tables import console


def show_rows(rows: Sequence[Row], effort: Effort, host: str) -> None:
    """Print the table, what went wrong, and on what it was measured.

    Of each spread the median, and in parentheses the least and the greatest of all runs.
    """
    out = console()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("case")
    table.add_column("entries", justify="right")
    table.add_column("answer")
    columns = _columns(effort)
    for name, _ in columns:
        table.add_column(name, justify="right")
    for row in rows:
        cells = [read(row) for _, read in columns]
        table.add_row(clean(row.name), str(row.size or ""), row.action, *cells)
    out.print(table)
    for row in rows:
        if row.problem:
            word = Text("wrong" if row.wrong else "unknown", "bold red" if row.wrong else "magenta")
            out.print(word, clean(f"{row.label}: {row.problem}"), soft_wrap=True)
    out.print(f"{effort.runs} runs each; {clean(host)}", soft_wrap=True)


def _columns(effort: Effort) -> list[tuple[str, Callable[[Row], str]]]:
    """Instructions, which are counted in the machine, and then each side's numbers."""
    columns: list[tuple[str, Callable[[Row], str]]] = []
    if effort.machine:
        columns.append(
            ("insns", lambda row: "" if row.instructions is None else f"{row.instructions:.0f}")
        )
    if effort.kernel:
        columns += [
            ("kernel ns", lambda row: _spread(row.kernel)),
            ("of it program", lambda row: _spread(row.program)),
            ("Mpps", lambda row: _rate(row.kernel, 1e6, 1)),
        ]
        if effort.machine:
            columns.append(("Minsns/s", lambda row: _speed(row.kernel_speed)))
    if effort.machine:
        columns += [
            ("machine us", lambda row: _spread(row.machine, 1e3)),
            ("kpps", lambda row: _rate(row.machine, 1e3, 1)),
            ("Minsns/s", lambda row: _speed(row.machine_speed)),
        ]
    return columns


def _spread(spread: Spread | None, unit: float = 1) -> str:
    if spread is None:
        return ""
    least, most = spread.least / unit, spread.most / unit
    return f"{spread.median / unit:.1f} ({least:.1f}..{most:.1f})"


def _rate(spread: Spread | None, unit: float, digits: int) -> str:
    return "" if spread is None else f"{1e9 / spread.median / unit:.{digits}f}"


def _speed(instructions: float | None) -> str:
    if instructions is None:
        return ""
    millions = instructions / 1e6
    return f"{millions:.0f}" if millions >= 100 else f"{millions:.1f}"
