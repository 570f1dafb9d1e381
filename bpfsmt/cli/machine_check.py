"""``bpfsmt machine-check``: does our machine run programs as the running kernel does?"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table

from bpfsmt.cli.boundary import (
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    clean,
    complain,
    describe,
    worst,
)
from bpfsmt.cli.common import each_program, json_option, type_option
from bpfsmt.cli.tables import console
from bpfsmt.conformance.campaign import Tally, Task, Wanted, tasks
from bpfsmt.conformance.case import Agreement, Checked
from bpfsmt.conformance.pool import run_tasks
from bpfsmt.conformance.report import to_json
from bpfsmt.conformance.saved import Saved
from bpfsmt.kernel.syscall import require
from bpfsmt.program.text import program_text

_GROUPS = ("files", "edges", "random", "maps", "helpers", "generated")
_TOLD = 10
"""Of each kind of finding, so many are printed; --json has all."""


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES...]")
@type_option
@click.option("--edges/--no-edges", default=True, help="Every instruction, at edge values.")
@click.option(
    "--random", "drawn", type=click.IntRange(0), default=20_000, show_default=True,
    help="(program, input) pairs of random instructions on all registers.",
)  # fmt: skip
@click.option(
    "--maps", type=click.IntRange(0), default=10_000, show_default=True,
    help="Pairs of random operations on maps of all kinds.",
)  # fmt: skip
@click.option(
    "--helpers", type=click.IntRange(0), default=5_000, show_default=True,
    help="Pairs of random calls of the helpers for packets.",
)  # fmt: skip
@click.option(
    "--generated", type=click.IntRange(0), default=21_000, show_default=True,
    help="Pairs of programs with branches, packet, stack and maps (needs hypothesis).",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Other programs and inputs.")
@click.option(
    "--jobs", "-j", type=click.IntRange(1, 512), default=None,
    help="How many processes.  [default: one for each CPU]",
)  # fmt: skip
@click.option(
    "--save", metavar="FILE",
    help="Keep finished tasks there; those that are there already are not done again.",
)  # fmt: skip
@json_option
def machine_check(
    files: tuple[str, ...],
    kind: str,
    edges: bool,
    drawn: int,
    maps: int,
    helpers: int,
    generated: int,
    seed: int,
    jobs: int | None,
    save: str | None,
    as_json: bool,
) -> int:
    """Run programs on the machine of bpfsmt and in the running kernel, and compare.

    The kernel loads each program and test-runs it; nothing is attached.  Return value,
    packet, metadata and map contents must be the same.  FILES are as for crosscheck; calls
    whose answer is chance (clocks, random numbers, the routing table) become constants.

    Exits with 0 if all is the same, 1 for a difference, 2 for bad usage or input or without
    bpf(), 3 if the machine does not model something or nothing was compared.
    """
    start = time.perf_counter()
    require()
    errors: list[Exception] = []
    programs = list(each_program(files, kind, errors))
    for error in errors:
        complain(describe(error))
    work = tasks(programs, Wanted(edges, drawn, maps, helpers, generated, seed))
    saved = None if save is None else Saved(Path(save), os.uname().release)
    tally, interrupted = _run(work, jobs or os.cpu_count() or 1, saved)
    seconds = time.perf_counter() - start
    if as_json:
        click.echo(json.dumps(_to_json(tally, seconds, interrupted), indent=2))
    else:
        _show(tally, seconds)
    if interrupted:
        complain("interrupted")
    return _exit_code(tally, bool(errors), interrupted)


def _run(work: Sequence[Task], processes: int, saved: Saved | None) -> tuple[Tally, bool]:
    """What all tasks came to, and whether Ctrl-C ended them early."""
    total = Tally()
    left = list(work) if saved is None else _left(work, saved, total)
    try:
        for task, tally in _with_progress(run_tasks(left, processes), len(work), len(left)):
            total.merge(tally)
            if saved is not None:
                saved.add(task, tally)
    except KeyboardInterrupt:
        return total, True
    total.told.sort(key=lambda checked: (_GROUPS.index(checked.case.group), checked.case.name))
    return total, False


def _left(work: Sequence[Task], saved: Saved, total: Tally) -> list[Task]:
    """The tasks that are not finished; those that are go into the total."""
    left: list[Task] = []
    for task in work:
        found = saved.get(task)
        if found is None:
            left.append(task)
        else:
            total.merge(found)
    return left


def _with_progress(
    tallies: Iterator[tuple[Task, Tally]], total: int, left: int
) -> Iterator[tuple[Task, Tally]]:
    err = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=total, completed=total - left)
        for tally in tallies:
            progress.update(task, advance=1)
            yield tally


def _exit_code(tally: Tally, bad_input: bool, interrupted: bool) -> int:
    codes = {EXIT_INPUT} if bad_input else set()
    if interrupted:
        codes.add(EXIT_INTERRUPTED)
    if tally.count(Agreement.DIFFERENT):
        codes.add(EXIT_REFUTED)
    if tally.count(Agreement.UNKNOWN) or not tally.pairs.total():
        codes.add(EXIT_UNKNOWN)
    return worst(codes)


def _show(tally: Tally, seconds: float) -> None:
    """A table by group, then what needs a look."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("programs")
    for name in ("pairs the same", *(each.value for each in Agreement)):
        table.add_column(name, justify="right")
    for group in _GROUPS:
        counts = [tally.count(each, group) for each in Agreement]
        if any(counts):
            table.add_row(group, str(tally.pairs[group]), *map(str, counts))
    console().print(table)
    for agreement in (Agreement.DIFFERENT, Agreement.UNKNOWN, Agreement.NOT_RUN):
        told = [each for each in tally.told if each.agreement is agreement]
        for checked in told[:_TOLD]:
            _tell(checked)
        if len(told) > _TOLD:
            click.echo(f"... and {len(told) - _TOLD} more {agreement.value} (all with --json)")
    click.echo(
        f"{tally.pairs.total()} (program, input) pairs the same, "
        f"{tally.count(Agreement.DIFFERENT)} programs different, "
        f"{tally.count(Agreement.UNKNOWN)} unknown; {seconds:.1f} s"
    )


def _tell(checked: Checked) -> None:
    click.echo(clean(f"{checked.agreement.value} {checked.case.name}: {checked.why}".rstrip(": ")))
    for difference in checked.differences:
        click.echo(f"    {clean(difference)}")
    if checked.agreement is Agreement.DIFFERENT:
        inputs = checked.case.inputs[checked.differences[0].input]
        click.echo(f"    packet: {inputs.packet.hex()}")
        for line in program_text(checked.case.program).splitlines():
            click.echo(f"    | {clean(line)}")


def _to_json(tally: Tally, seconds: float, interrupted: bool) -> dict[str, Any]:
    groups = [group for group in _GROUPS if any(tally.count(a, group) for a in Agreement)]
    return {
        "groups": {
            group: {
                "pairs_the_same": tally.pairs[group],
                "programs": {each.value: tally.count(each, group) for each in Agreement},
            }
            for group in groups
        },
        "told": [to_json(checked) for checked in tally.told],
        "seconds": round(seconds, 3),
        "interrupted": interrupted,
    }
