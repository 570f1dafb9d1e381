"""``bpfsmt bench verify``: how fast programs are verified, here and by the running kernel."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from bpfsmt.agree.choice import rules_for
from bpfsmt.bench.spread import Spread
from bpfsmt.bench.synthetic import counting, rounds
from bpfsmt.bench.verified import Verified, measure_verification
from bpfsmt.cli.agreement import progress
from bpfsmt.cli.bench_run import Host, cpu_model
from bpfsmt.cli.boundary import (
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_PROVED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    clean,
    complain,
    describe,
    worst,
)
from bpfsmt.cli.common import each_program, json_option, type_option
from bpfsmt.cli.tables import console
from bpfsmt.errors import OracleError
from bpfsmt.kernel import available
from bpfsmt.kernel.cpu import one_cpu
from bpfsmt.program import Program
from bpfsmt.rules import RuleSet, load_rules

_EPILOG = """\b
"walked" counts the instructions that are walked here, "processed" those that the kernel
says it has; "slower" is how many times the kernel's own verification time ours is.  Times are
medians over the runs, of CPU time; "first" is the first run, when no answer is remembered.
"peak" is the memory in use at once.  No states are kept, and the kernel writes no log.

\b
Exit codes: 0 everything measured; 1 the kernel decides otherwise; 2 bad usage or input; 3
something could not be measured; 130 interrupted (what was finished is printed).
"""

_LARGE: tuple[Callable[[], Program], ...] = (
    lambda: rounds(250, 5),
    lambda: rounds(5, 250),
    lambda: counting(12_500),
)
"""Synthetic programs: each walks about 100,000 instructions, the first has 5,012."""


@click.command(epilog=_EPILOG)
@click.argument("files", nargs=-1, metavar="[FILES...]")
@click.option("--rules", "-r", default=None, metavar="NAME|FILE.py",
              help="The rule set.  [default: that of the running kernel's release]")  # fmt: skip
@click.option("--runs", default=7, show_default=True, type=click.IntRange(1, 1000),
              help="How often each program is verified.")  # fmt: skip
@click.option("--large", is_flag=True, help="Also three synthetic programs, 100,000 walked each.")
@click.option("--no-kernel", is_flag=True, help="Measure our verifier alone.")
@click.option("--no-memory", is_flag=True, help="Do not measure memory (it takes a run more).")
@type_option
@json_option
def verify(
    files: tuple[str, ...],
    rules: str | None,
    runs: int,
    large: bool,
    no_kernel: bool,
    no_memory: bool,
    kind: str,
    as_json: bool,
) -> int:
    """Measure how fast programs are verified, here and by the running kernel."""
    if not files and not large:
        raise click.UsageError("Name FILES, or use --large.")
    release = os.uname().release
    chosen = load_rules(rules or _rules_for(release))
    why = None if no_kernel else available()
    if why is not None:
        complain(f"our verifier alone is measured: {why}")
    programs, errors = _programs(files, kind)
    programs += [made() for made in _LARGE if large]
    for error in errors:
        complain(describe(error))
    rows: list[Verified] = []
    codes = {EXIT_INPUT} if errors else set()
    with one_cpu() as number:
        host = Host(cpu_model(), number, release, None)
        try:
            _measure(programs, chosen, runs, not no_kernel and why is None, not no_memory, rows)
        except KeyboardInterrupt:
            complain("interrupted")
            codes.add(EXIT_INTERRUPTED)
    if as_json:
        shown = {"cpu": host.cpu, "kernel": host.kernel, "rules": chosen.name, "runs": runs}
        everything = {**shown, **totals(rows), "rows": [row.to_json() for row in rows]}
        click.echo(json.dumps(everything, indent=2))
    else:
        _show(rows)
        click.echo(f"{runs} runs each with {chosen.name}; {clean(host.where)}")
    return worst(codes | {_code(row) for row in rows})


def _rules_for(release: str) -> str:
    """The rules of the running kernel, or the newest for one that is too old."""
    try:
        return rules_for(release)
    except OracleError:
        return "linux-6.18"


def _programs(files: Sequence[str], kind: str) -> tuple[list[Program], list[Exception]]:
    errors: list[Exception] = []
    return [program for _, program in each_program(files, kind, errors)], errors


def _measure(
    programs: Sequence[Program], rules: RuleSet, runs: int, kernel: bool, memory: bool,
    rows: list[Verified],
) -> None:  # fmt: skip
    measured = (
        measure_verification(program, rules, runs, kernel=kernel, memory=memory)
        for program in programs
    )
    for row in progress(measured, len(programs), "verifying"):
        rows.append(row)


def _code(row: Verified) -> int:
    if row.wrong:
        return EXIT_REFUTED
    return EXIT_UNKNOWN if row.problem else EXIT_PROVED


def totals(rows: Sequence[Verified]) -> dict[str, Any]:
    """Sums and medians over all programs that were measured on both sides."""
    ours = [row for row in rows if row.ours is not None]
    both = [row for row in ours if row.processed and not row.problem]
    seconds = sum(row.ours.median for row in ours if row.ours is not None) / 1e3
    return {
        "walked": sum(row.walked for row in ours),
        "walked_per_second": sum(row.walked for row in ours) / seconds if seconds else None,
        "median_ms": _median(row.ours.median for row in ours if row.ours is not None),
        "median_first_ms": _median(row.first for row in ours if row.first is not None),
        "kernel_median_ms": _median(row.kernel.median for row in both if row.kernel is not None),
        "median_times_slower": _median(row.times_slower for row in both if row.times_slower),
        "compared": len(both),
        "walked_no_more": sum(row.walked <= (row.processed or 0) for row in both),
    }


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def _show(rows: Sequence[Verified]) -> None:
    """The table, what went wrong, and the sums."""
    out = console()
    kernel = any(row.processed is not None for row in rows)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("program")
    table.add_column("verdict")
    names = ("insns", "walked", "first ms", "ms", "insns/s", "peak KiB")
    for name in names + (("processed", "kernel ms", "insns/s", "slower") if kernel else ()):
        table.add_column(name, justify="right")
    for row in rows:
        cells = [clean(row.name), row.verdict, str(row.length), str(row.walked), _ms(row.first),
                 _ms(_middle(row.ours)), _thousands(row.speed),
                 "" if row.peak is None else f"{row.peak / 1024:.0f}"]  # fmt: skip
        if kernel:
            cells += ["" if row.processed is None else str(row.processed),
                      _ms(_middle(row.kernel), 3), _thousands(row.kernel_speed),
                      "" if row.times_slower is None else f"{row.times_slower:.0f}x"]  # fmt: skip
        table.add_row(*cells)
    out.print(table)
    for row in rows:
        if row.problem:
            word = Text("wrong" if row.wrong else "unknown", "bold red" if row.wrong else "magenta")
            out.print(word, clean(f"{row.name}: {row.problem}"), soft_wrap=True)
    _show_totals(totals(rows))


def _show_totals(sums: dict[str, Any]) -> None:
    if sums["walked_per_second"] is None:
        return
    click.echo(
        f"{sums['walked']} instructions walked, {_thousands(sums['walked_per_second'])} a second; "
        f"median program {_ms(sums['median_ms'])} ms (first run {_ms(sums['median_first_ms'])})"
    )
    if sums["compared"]:
        slower = sums["median_times_slower"]
        click.echo(
            f"beside the kernel: {sums['walked_no_more']} of {sums['compared']} programs walk no "
            f"more instructions{f'; median program {slower:.0f} times slower' if slower else ''}"
        )


def _middle(spread: Spread | None) -> float | None:
    return None if spread is None else spread.median


def _ms(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _thousands(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
