"""What ``diff``, ``record`` and ``replay`` share: sides, programs by name, exit codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from bpfsmt.cli.boundary import (
    EXIT_BUG,
    EXIT_INPUT,
    EXIT_INTERRUPTED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    complain,
    describe,
)
from bpfsmt.cli.common import each_program
from bpfsmt.cli.progress import counting
from bpfsmt.corpus.difference import LEVELS, STATES, UNKNOWN, Difference
from bpfsmt.corpus.side import Side
from bpfsmt.program import Program

F = TypeVar("F", bound=Callable[..., Any])

_GIVEN = "bpfsmt.sides"


def _given(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Note the options in the order of the command line, which click does not keep."""
    kind = "oracle" if "--oracle" in param.opts else "rules"
    ctx.meta.setdefault(_GIVEN, []).extend((kind, spec) for spec in value)
    return value


def side_options(command: F) -> F:
    """``--rules`` and ``--oracle``: who is asked, once or twice."""
    for option in (
        click.option("--oracle", "oracles", multiple=True, callback=_given,
                     metavar="kernel|vm:RELEASE", help="A kernel."),
        click.option("--rules", "-r", "specs", multiple=True, callback=_given,
                     metavar="NAME|FILE.py", help="A rule set, by name or file."),
    ):  # fmt: skip
        command = option(command)
    return command


def sides_given() -> list[tuple[str, str]]:
    """The options, in their order: each "rules" or "oracle", and whom it names."""
    given: list[tuple[str, str]] = click.get_current_context().meta.get(_GIVEN, [])
    return given


def sides(count: int, what: str) -> list[Side]:
    """So many sides; a usage error says ``what`` if there are more or less.

    Raises `BpfsmtError` for one that cannot be asked here.
    """
    given = sides_given()
    if len(given) != count:
        raise click.UsageError(what)
    return [Side.of(kind, spec) for kind, spec in given]


def level_option(command: F) -> F:
    """``--fail-on``: which differences make the exit code 1."""
    return click.option(
        "--fail-on", "level", type=click.Choice(list(LEVELS)), default="any", show_default=True,
        help="Differences that count: of verdicts and reasons, of states too, of walks too.",
    )(command)  # fmt: skip


def named_programs(
    files: Iterable[str], kind: str, errors: list[Exception], folder: Path | None = None
) -> Iterator[tuple[str, Program]]:
    """The programs, read one file after another, each with its file and its own name.

    Files are named as from ``folder``.  What cannot be loaded goes to ``errors``.
    """
    seen: Counter[str] = Counter()
    for path, program in each_program(files, kind, errors):
        where = path.relative_to(folder) if folder else path
        name = f"{where.as_posix()}:{program.name}"
        seen[name] += 1
        yield (f"{name}#{seen[name]}" if seen[name] > 1 else name), program


@dataclass(slots=True)
class Found:
    """The differences that there are so far, and what was wrong with the input."""

    level: str
    differences: list[Difference] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    interrupted: bool = False

    def collect(self, answers: Iterator[Difference], title: str, total: int | None = None) -> None:
        """Take all answers, with a bar; Ctrl-C keeps those that are there."""
        try:
            with counting(title, total) as count:
                for answer in answers:
                    self.differences.append(answer)
                    count(answer.kinds or ["the same"])
        except KeyboardInterrupt:
            self.interrupted = True

    def complain(self) -> None:
        """A line on stderr for whatever was wrong."""
        for error in self.errors:
            complain(describe(error))
        bug = next((each.bug for each in self.differences if each.bug), "")
        if bug:
            click.echo(bug, err=True)

    def codes(self) -> set[int]:
        """The exit codes: of each difference that counts, and of what is not known."""
        counts = LEVELS[self.level]
        codes = {EXIT_INPUT} if self.errors else set()
        if self.interrupted:
            codes.add(EXIT_INTERRUPTED)
        if not self.differences:
            codes.add(EXIT_UNKNOWN)
        for each in self.differences:
            if each.kinds & counts:
                codes.add(EXIT_REFUTED)
            if UNKNOWN in each.kinds or (STATES in counts and not each.compared):
                codes.add(EXIT_UNKNOWN)
            if each.bug:
                codes.add(EXIT_BUG)
        return codes
