"""What the commands share: options, and arguments expanded to files."""

from __future__ import annotations

import functools
import glob
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.program import Program, ProgramType, load

F = TypeVar("F", bound=Callable[..., Any])

SUFFIXES = (".o", ".bpfasm")
"""The files that are taken from a directory."""


class Seconds(click.FloatRange):
    """A time limit: ten milliseconds to a day."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0.01, max=86_400)

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """The number, or a usage error (not-a-number compares with nothing)."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return number


def rules_option(command: F) -> F:
    """``--rules``: the rule set that the verifier works with."""
    return click.option(
        "--rules", "-r", default="xdp-paper", show_default=True, metavar="NAME|FILE.py",
        help="The rule set: its name, or a Python file that defines one as RULES.",
    )(command)  # fmt: skip


def type_option(command: F) -> F:
    """``--type``: the program type of files that do not say theirs."""
    decorate = click.option(
        "--type", "kind", default="xdp", show_default=True,
        type=click.Choice([kind.value for kind in ProgramType]),
        help="The program type of raw bytes, and of text without .type.",
    )  # fmt: skip
    return decorate(command)


def json_option(command: F) -> F:
    """``--json``: one JSON document on stdout instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def no_cache_option(command: F) -> F:
    """``--no-cache``: everything is asked anew."""
    text = "Neither use nor keep earlier answers."
    return click.option("--no-cache", is_flag=True, help=text)(command)


file_argument = functools.partial(click.argument, "file", type=click.Path())
"""One file; that it is there and holds a program is for the loader to say."""


def expand(arguments: Iterable[str]) -> tuple[list[Path], list[Exception]]:
    """The files that the arguments name, each once, and an error for each that names none.

    A directory stands for the objects and the assembly texts in it and below, a pattern
    for what it matches; anything else is taken as a file, for the loader to judge.
    """
    files: dict[str, Path] = {}
    errors: list[Exception] = []
    for argument in arguments:
        try:
            found = _expand_one(argument)
        except OSError as error:
            errors.append(error)
            continue
        if not found:
            nothing = "matches nothing" if _is_pattern(argument) else "no .o or .bpfasm in it"
            errors.append(LoadError(f"{argument}: {nothing}"))
        for path in found:
            files.setdefault(os.path.realpath(path), path)
    return list(files.values()), errors


def _is_pattern(argument: str) -> bool:
    return glob.has_magic(argument) and not os.path.lexists(argument)


def _expand_one(argument: str) -> list[Path]:
    if _is_pattern(argument):
        matches = (Path(match) for match in sorted(glob.glob(argument, recursive=True)))
        return [file for match in matches for file in _below(match)]
    return _below(Path(argument))


def _below(path: Path) -> list[Path]:
    """The file itself, or the programs in a directory and below, in order of name."""
    if not path.is_dir():
        return [path]

    def refuse(error: OSError) -> None:
        raise error

    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(path, onerror=refuse)
        for name in names
        if name.endswith(SUFFIXES)
    )


def each_program(
    arguments: Iterable[str], kind: str, errors: list[Exception]
) -> Iterator[tuple[Path, Program]]:
    """The programs in all files that are named (`expand`), read one after another, with their file.

    ``errors`` takes one for each argument, file or program that is no good.
    """
    paths, wrong = expand(arguments)
    errors += wrong
    for path in paths:
        try:
            programs, skipped = load_programs(path, kind)
        except (BpfsmtError, OSError) as error:
            errors.append(error)
            continue
        errors += skipped
        yield from ((path, program) for program in programs)


def load_programs(file: str | Path, kind: str) -> tuple[Sequence[Program], list[Exception]]:
    """The programs in a file, and an error for each that did not load.

    Raises `LoadError` or `AsmError` where the file as a whole is no good.
    """
    loaded = load(file, type=ProgramType(kind))
    return loaded.programs, [LoadError(f"{file}: {name}: {why}") for name, why in loaded.skipped]
