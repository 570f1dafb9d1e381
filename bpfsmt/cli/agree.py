"""``bpfsmt agree``: our verifier and a kernel, program by program."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click

from bpfsmt.agree.choice import rules_for
from bpfsmt.agree.generated import generated
from bpfsmt.agree.pool import Answer, run
from bpfsmt.agree.score import Score, score
from bpfsmt.cli.agreement import (
    agreement_options,
    codes_of,
    finished,
    first_bug,
    open_saved,
    processes,
    progress,
    show_causes,
    show_differences,
    show_explained,
    show_score,
)
from bpfsmt.cli.boundary import complain, describe, worst
from bpfsmt.cli.common import each_program, json_option, type_option
from bpfsmt.cli.tables import console
from bpfsmt.kernel.oracle import oracle
from bpfsmt.program import Program
from bpfsmt.rules import load_rules


@dataclass(slots=True)
class _Run:
    """The names of the programs, in the order in which they are asked, and the answers."""

    names: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    interrupted: bool = False

    def score(self) -> Score:
        """The counts, by name of the program."""
        named = [(self.names[answer.index], answer) for answer in self.answers]
        compared = [replace(a.compared, name=name) for name, a in named if a.compared]
        return score(compared, {name: a.error for name, a in named if a.error})


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES...]")
@type_option
@agreement_options
@click.option(
    "--generated", "count", type=click.IntRange(0), default=0, show_default=True,
    help="So many generated programs (needs hypothesis).",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Other generated programs.")
@json_option
def agree(
    files: tuple[str, ...],
    kind: str,
    rules: str | None,
    oracle_name: str,
    every: bool,
    strict: bool,
    no_cache: bool,
    jobs: int | None,
    count: int,
    seed: int,
    as_json: bool,
) -> int:
    """Compare our verifier with a kernel's: verdicts, reasons, and all states.

    FILES are as for crosscheck.  The kernel loads each program and nothing is attached.
    States are compared where both walks come to an instruction by the same branches, for
    each register and stack slot that the kernel's log prints.  Every answer is kept as it
    comes: after Ctrl-C the same command goes on where it stopped.

    Exits with 0 if all verdicts are the same (--strict: and all reasons and states), 1 if
    something differs, 2 for bad usage or input or a kernel that cannot be asked here, 3 if
    something is not supported or was not compared.
    """
    start = time.perf_counter()
    if not files and not count:
        raise click.UsageError("nothing to compare: give FILES, or --generated N")
    kernel = oracle(oracle_name)
    chosen = rules or rules_for(kernel.release)
    saved = open_saved(kernel, load_rules(chosen), no_cache)
    programs, errors = _load(files, kind)
    done = _Run()
    asked = _numbered(itertools.chain(programs, _generated(count, seed)), done)
    answers = run(asked, kernel, chosen, processes(jobs), kept=saved)
    try:
        for answer in progress(answers, len(programs) + count, "comparing"):
            done.answers.append(answer)
    except KeyboardInterrupt:
        done.interrupted = True
    total = done.score()
    seconds = time.perf_counter() - start
    if as_json:
        plain = _to_json(done, kernel.release, chosen, seconds)
        click.echo(json.dumps(plain | {"kept": saved.used if saved else 0}, indent=2))
    else:
        out = console()
        show_causes(total.groups(), out, every=every)
        show_differences(total, out)
        show_explained(total, out)
        show_score(total, out)
        click.echo(f"{finished(seconds, saved)} with {chosen}, against Linux {kernel.release}")
    for error in errors:
        complain(describe(error))
    if bug := first_bug(done.answers):
        click.echo(bug, err=True)
    codes = codes_of(total, errors=bool(errors), interrupted=done.interrupted, strict=strict)
    return worst(codes)


def _load(files: Sequence[str], kind: str) -> tuple[list[tuple[str, Program]], list[Exception]]:
    errors: list[Exception] = []
    programs = each_program(files, kind, errors)
    return [(f"{path}:{program.name}", program) for path, program in programs], errors


def _generated(count: int, seed: int) -> Iterator[tuple[str, Program]]:
    return ((program.name, program) for program in generated(count, seed) if count)


def _numbered(programs: Iterable[tuple[str, Program]], done: _Run) -> Iterator[tuple[int, Program]]:
    """The programs with their numbers; their names are noted."""
    for name, program in programs:
        done.names.append(name)
        yield len(done.names) - 1, program


def _to_json(done: _Run, release: str, rules: str, seconds: float) -> dict[str, Any]:
    total = done.score()
    return {
        "kernel": release,
        "rules": rules,
        "total": total.to_json(),
        "programs": [each.to_json() for each in total.compared],
        "not_compared": total.lost,
        "seconds": round(seconds, 3),
        "interrupted": done.interrupted,
    }
