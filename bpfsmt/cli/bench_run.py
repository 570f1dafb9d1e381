"""``bpfsmt bench run`` and ``xdp``: how fast programs run, in the kernel and in our machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bpfsmt.bench.cases import Case, cases
from bpfsmt.bench.compiled import jit_enabled
from bpfsmt.bench.measure import Effort, measure_case, measure_program, sizes_of
from bpfsmt.bench.plot import check_plot, write_plot
from bpfsmt.bench.rows import Row
from bpfsmt.cli.bench_table import show_rows
from bpfsmt.cli.boundary import (
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_PROVED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    complain,
    describe,
    worst,
)
from bpfsmt.cli.common import each_program, json_option, type_option
from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.kernel import available
from bpfsmt.kernel.cpu import one_cpu
from bpfsmt.network.traffic import generate
from bpfsmt.program import Program

F = TypeVar("F", bound=Callable[..., Any])
Job = tuple[str, Callable[[], Row]]

_EPILOG = """\b
The kernel runs a program again and again on one packet (BPF_PROG_TEST_RUN), with its JIT if
that is on; nothing is attached.  "kernel" is the time of one repetition, "of it program"
what of that is more than an empty program takes: the loop itself is in the first.

\b
Exit codes: 0 everything measured; 1 kernel or machine gave a wrong answer; 2 bad usage or
input; 3 something could not be measured; 130 interrupted (what was finished is printed).
"""


def _effort_options(command: F) -> F:
    """What both commands have."""
    for option in (
        click.option("--runs", default=7, show_default=True, type=click.IntRange(1, 1000),
                     help="How often each number is measured."),
        click.option("--seconds", default=0.05, show_default=True,
                     type=click.FloatRange(0.001, 60), help="How long one measurement takes."),
        click.option("--no-kernel", is_flag=True, help="Measure in the machine alone."),
        click.option("--no-machine", is_flag=True, help="Measure in the kernel alone."),
        click.option("--plot", metavar="FILE.svg|png|pdf", help="Draw packets per second."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command(epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[CASE]...")
@click.option("--sizes", metavar="N,N,...", help="Entries in the tables that grow.")
@click.option(
    "--programs", default="bench_programs/xdp", show_default=True, metavar="DIR",
    help="Where the compiled programs are.",
)  # fmt: skip
@_effort_options
@json_option
def xdp(names: tuple[str, ...], sizes: str | None, programs: str, as_json: bool,
        plot: str | None, **effort: Any) -> int:  # fmt: skip
    """Measure the use cases of the XDP paper (sections 4 and 5).

    They are: drop, tx, redirect, ddos-attack, ddos-good, l2fwd, l3fwd, lb-encap, lb-decap,
    cpu-redirect.
    """
    if plot is not None:
        check_plot(plot)
    chosen, wanted, folder = _chosen(names), _sizes(sizes), Path(programs)
    for case in chosen:
        if not (folder / f"{case.program}.o").is_file():
            raise LoadError(f"{folder / case.program}.o: no such program (see --programs)")
    how = _effort(**effort)

    def job(case: Case, size: int) -> Job:
        return case.name, lambda: measure_case(case, size, folder, how)

    jobs = [job(case, size) for case in chosen for size in sizes_of(case, wanted)]
    return _measure(jobs, how, as_json=as_json, plot=plot, errors=[])


@click.command(epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option(
    "--generate", "traffic", default="udp:1,size=18,src=10.0.0.1,dst=192.0.2.1",
    show_default=True, metavar="KIND:1[,...]", help="The frame.",
)  # fmt: skip
@_effort_options
@type_option
@json_option
def run(files: tuple[str, ...], traffic: str, kind: str, as_json: bool, plot: str | None,
        **effort: Any) -> int:  # fmt: skip
    """Measure programs on one frame, again and again, with maps that are empty at first."""
    if plot is not None:
        check_plot(plot)
    frames = generate(traffic)
    if len(frames) != 1:
        raise click.UsageError(f"--generate {traffic}: one frame is wanted, not {len(frames)}.")
    how = _effort(**effort)
    errors: list[Exception] = []
    programs = [program for _, program in each_program(files, kind, errors)]

    def job(program: Program) -> Job:
        return program.name, lambda: measure_program(program, frames[0], how)

    jobs = [job(program) for program in programs]
    return _measure(jobs, how, as_json=as_json, plot=plot, errors=errors)


# Arguments ---------------------------------------------------------------------------------


def _chosen(names: Sequence[str]) -> list[Case]:
    known = {case.name: case for case in cases()}
    for name in names:
        if name not in known:
            raise click.UsageError(f"No case {name!r} (there are: {', '.join(known)}).")
    return [known[name] for name in names] or list(known.values())


def _sizes(text: str | None) -> list[int]:
    if text is None:
        return []
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= 100_000 for part in parts):
        raise click.UsageError(f"--sizes {text}: numbers from 1 to 100000 are wanted.")
    return [int(part) for part in parts]


def _effort(runs: int, seconds: float, no_kernel: bool, no_machine: bool) -> Effort:
    if no_kernel and no_machine:
        raise click.UsageError("--no-kernel and --no-machine leave nothing to measure.")
    effort = Effort(runs, seconds, kernel=not no_kernel, machine=not no_machine)
    why = available() if effort.kernel else None
    if why is None:
        return effort
    if no_machine:
        raise BpfsmtError(f"the kernel cannot be measured: {why}")
    complain(f"the machine alone is measured: {why}")
    return replace(effort, kernel=False)


# Measuring ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Host:
    """What the numbers are from."""

    cpu: str
    number: int
    kernel: str
    jit: bool | None

    def __str__(self) -> str:
        jit = {True: "JIT on", False: "JIT off", None: "JIT unknown"}[self.jit]
        return f"{self.where}, {jit}"

    @property
    def where(self) -> str:
        """The CPU and the kernel."""
        return f"one CPU (number {self.number}) of {self.cpu}; Linux {self.kernel}"


def _measure(
    jobs: Sequence[Job], effort: Effort, *, as_json: bool, plot: str | None,
    errors: Sequence[Exception],
) -> int:  # fmt: skip
    """All rows, shown; the exit code."""
    for error in errors:
        complain(describe(error))
    rows: list[Row] = []
    codes = {EXIT_INPUT} if errors else set()
    with one_cpu() as number:
        host = Host(cpu_model(), number, os.uname().release, jit_enabled())
        try:
            for row in _progress(jobs):
                rows.append(row)
        except KeyboardInterrupt:
            complain("interrupted")
            codes.add(EXIT_INTERRUPTED)
    if plot is not None and rows:
        write_plot(plot, rows, str(host))
    if as_json:
        shown = {"cpu": host.cpu, "kernel": host.kernel, "jit": host.jit, "runs": effort.runs}
        click.echo(json.dumps({**shown, "rows": [row.to_json() for row in rows]}, indent=2))
    else:
        show_rows(rows, effort, str(host))
    return worst(codes | {_code(row) for row in rows})


def _code(row: Row) -> int:
    if row.wrong:
        return EXIT_REFUTED
    return EXIT_UNKNOWN if row.problem else EXIT_PROVED


def _progress(jobs: Sequence[Job]) -> Iterator[Row]:
    """The rows, with a bar on stderr if that is a terminal."""
    err = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=len(jobs))
        for name, job in jobs:
            progress.update(task, description=name)
            yield job()
            progress.advance(task)


def cpu_model() -> str:
    """What this machine's CPU calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()
