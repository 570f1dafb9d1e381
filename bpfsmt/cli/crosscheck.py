"""``bpfsmt crosscheck``: the main job, over many programs at once."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bpfsmt.cli.boundary import EXIT_CODES, clean, complain, describe
from bpfsmt.cli.common import Seconds, each_program, json_option, rules_option, type_option
from bpfsmt.cli.oracle import no_rules_with_oracle, oracle_option
from bpfsmt.cli.pool import run_jobs
from bpfsmt.cli.results import Result, Results
from bpfsmt.cli.tables import console, show
from bpfsmt.cli.worker import Job, KernelSaid
from bpfsmt.errors import OracleError
from bpfsmt.kernel.oracle import oracle
from bpfsmt.rules import load_rules

_CODES = "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES)

_EPILOG = f"""\b
Exit codes (where several hold: 130, 70, 1, 2, 3, 0, the first of these):
{_CODES}
"""


@click.command(epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@rules_option
@type_option
@oracle_option
@click.option(
    "--from-log", "log_file", type=click.Path(), metavar="LOG",
    help="Check a kernel's log of level 2, saved to this file; FILES is one program then.",
)  # fmt: skip
@click.option(
    "--timeout", type=Seconds(), default=30.0, show_default=True,
    help="Seconds for each query; one that takes longer is unknown.",
)  # fmt: skip
@click.option(
    "--precision/--no-precision", default=True,
    help="Measure how much wider than the truth the claims are (some seconds a program).",
)  # fmt: skip
@click.option(
    "--jobs", "-j", type=click.IntRange(1, 512), default=None,
    help="How many programs at once.  [default: one for each CPU]",
)  # fmt: skip
@json_option
@click.option("--verbose", "-v", is_flag=True, help="Count the obligations of each check.")
def crosscheck(
    files: tuple[str, ...],
    rules: str,
    kind: str,
    oracle_name: str | None,
    log_file: str | None,
    timeout: float,
    precision: bool,
    jobs: int | None,
    as_json: bool,
    verbose: bool,
) -> int:
    """Prove or refute all that the verifier claims about programs.

    FILES are objects, assembly texts (.bpfasm), raw bytes (.bin), directories (all .o and
    .bpfasm in them and below) and patterns.

    With --oracle a real kernel verifies the programs (nothing is attached), and what its
    log claims is proved or refuted; with --from-log, what a saved log claims.
    """
    start = time.perf_counter()
    no_rules_with_oracle(oracle_name or log_file)
    if oracle_name and log_file:
        raise click.UsageError("--oracle asks a kernel, --from-log reads what one said")
    if not oracle_name and not log_file:
        load_rules(rules)  # so that what is wrong with them is said once, and first
    work, errors = _collect(files, rules, kind, timeout, 5.0 if precision else 0.0)
    if oracle_name:
        rules = oracle_name
        work = _asked(oracle_name, work, errors)
    elif log_file:
        rules = log_file
        work = _read(log_file, work, errors)
    for error in errors:
        complain(error)
    found, interrupted = _run(work, jobs or os.cpu_count() or 1)
    results = Results(rules, found, errors, time.perf_counter() - start, interrupted)
    if as_json:
        click.echo(json.dumps(results.to_json(), indent=2))
    else:
        show(results, console(), verbose=verbose)
    _afterwards(results)
    return results.exit_code


def _collect(
    files: Sequence[str], rules: str, kind: str, timeout: float, precision: float
) -> tuple[list[Job], list[str]]:
    """A job for each program, and a line for each input that is no good."""
    errors: list[Exception] = []
    programs = each_program(files, kind, errors)
    jobs = [Job(str(path), program, rules, timeout, precision) for path, program in programs]
    return jobs, [describe(error) for error in errors]


def _asked(name: str, jobs: Sequence[Job], errors: list[str]) -> list[Job]:
    """The jobs with what a kernel says of their programs; a line for each it cannot judge."""
    kernel = oracle(name)
    asked: list[Job] = []
    for job in jobs:
        try:
            said = kernel.load(job.program)
        except OracleError as error:
            errors.append(f"{job.file}: {describe(error)}")
            continue
        log = KernelSaid(f"Linux {said.release}", said.log, said.accepted, said.complete)
        asked.append(replace(job, said=log))
    return asked


def _read(file: str, jobs: Sequence[Job], errors: list[str]) -> list[Job]:
    """The one job with the log in a file."""
    if len(jobs) + len(errors) != 1:
        raise click.UsageError(f"a log is about one program, but there are {len(jobs)} in FILES")
    text = Path(file).read_text(encoding="utf-8", errors="backslashreplace")
    return [replace(job, said=KernelSaid(file, text)) for job in jobs]


def _run(jobs: Sequence[Job], processes: int) -> tuple[list[Result], bool]:
    """The results in the order of the jobs, and whether Ctrl-C ended it early."""
    found: dict[int, Result] = {}
    interrupted = False
    if jobs:
        try:
            for index, result in _with_progress(run_jobs(jobs, processes), len(jobs)):
                found[index] = result
        except KeyboardInterrupt:
            interrupted = True
    return [found[index] for index in sorted(found)], interrupted


def _with_progress(
    results: Iterator[tuple[int, Result]], total: int
) -> Iterator[tuple[int, Result]]:
    """The same results, with a bar on stderr if that is a terminal."""
    err = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=total, last="")
        for index, result in results:
            progress.update(task, advance=1, last=clean(result.program))
            yield index, result


def _afterwards(results: Results) -> None:
    """On stderr what is no finding: bad input that showed late, bugs, the interruption."""
    for result in results.results:
        where = f"{result.file} {result.program}"
        if result.error:
            complain(f"{where}: {result.error}")
        if result.bug:
            complain(f"{where}: a bug in bpfsmt:")
            click.echo(result.bug, err=True)
    if results.interrupted:
        complain("interrupted")
