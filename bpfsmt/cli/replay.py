"""``bpfsmt replay``: a folder of programs against what was recorded of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import click

from bpfsmt.cli.agreement import processes
from bpfsmt.cli.boundary import worst
from bpfsmt.cli.common import json_option, type_option
from bpfsmt.cli.corpus import Found, level_option, named_programs, side_options, sides, sides_given
from bpfsmt.cli.corpus_text import show, to_json
from bpfsmt.cli.tables import console
from bpfsmt.corpus.digest import program_digest
from bpfsmt.corpus.expected import FILE_NAME, By, Entry, ExpectedError, read
from bpfsmt.corpus.side import Side
from bpfsmt.corpus.work import run_replay
from bpfsmt.errors import BpfsmtError, LoadError
from bpfsmt.program import Program


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@side_options
@type_option
@level_option
@click.option("--jobs", "-j", type=click.IntRange(1, 512), help="Processes; as many as CPUs.")
@click.option("--all", "every", is_flag=True, help="Also the programs of which the same is said.")
@click.option("--expected", type=click.Path(path_type=Path),
              help=f"The file.  [default: {FILE_NAME} in CORPUS]")  # fmt: skip
@json_option
def replay(
    corpus: Path,
    specs: tuple[str, ...],
    oracles: tuple[str, ...],
    kind: str,
    level: str,
    jobs: int | None,
    every: bool,
    expected: Path | None,
    as_json: bool,
) -> int:
    """Verify the programs in the folder CORPUS again: is still said what was recorded?

    Without --rules or --oracle, those are asked that the record is of.  A is what was
    recorded, B what is said now.

    Exits with 0 if it is all the same, 1 if something differs, 2 if programs are missing,
    new or not those that were recorded, or the file is no good, 3 if something is not
    supported or was not compared.
    """
    start = time.perf_counter()
    if not corpus.is_dir():
        raise LoadError(f"{corpus}: no folder")
    path = expected or corpus / FILE_NAME
    before, entries = read(path)
    side = _side(before, path)
    found = Found(level)
    programs = _matched(corpus, kind, path, entries, found.errors)
    answers = run_replay(programs, before, side, processes(jobs))
    found.collect(answers, f"replaying {side.name}", len(entries))
    names = (f"{path}, {before.name}", side.name)
    seconds = time.perf_counter() - start
    if as_json:
        click.echo(json.dumps(to_json(found, names, seconds), indent=2))
    else:
        show(found, console(), names, seconds, every)
    found.complain()
    return worst(found.codes())


def _side(before: By, path: Path) -> Side:
    """Who is asked: the one that is given, else the one that was recorded."""
    if sides_given():
        (side,) = sides(1, "one of --rules and --oracle, please")
        return side
    try:
        if before.kernel:
            return Side.of("oracle", before.oracle)
        return Side.of("rules", before.rules)
    except BpfsmtError as error:
        why = f"recorded with {before.name}: give --rules or --oracle ({error})"
        raise ExpectedError(f"{path}: {why}") from None


def _matched(
    corpus: Path, kind: str, path: Path, entries: list[Entry], errors: list[Exception]
) -> Iterator[tuple[Entry, Program]]:
    """Each program with its entry; an error for each without, and for each that has changed."""
    left = {entry.program: entry for entry in entries}
    for name, program in named_programs([str(corpus)], kind, errors, corpus):
        entry = left.pop(name, None)
        if entry is None:
            errors.append(ExpectedError(f"{corpus}: {name}: not in {path}; record it"))
        elif entry.bytes != program_digest(program):
            errors.append(ExpectedError(f"{corpus}: {name}: not the program that was recorded"))
        else:
            yield entry, program
    for name in left:
        errors.append(ExpectedError(f"{corpus}: {name}: recorded in {path}, but not there"))
