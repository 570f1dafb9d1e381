"""``bpfsmt record``: what is said of a folder of programs, kept for ``bpfsmt replay``."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from bpfsmt.cli.agreement import processes
from bpfsmt.cli.boundary import EXIT_BUG, EXIT_INPUT, EXIT_UNKNOWN, complain, describe, worst
from bpfsmt.cli.common import json_option, type_option
from bpfsmt.cli.corpus import named_programs, side_options, sides
from bpfsmt.cli.progress import counting
from bpfsmt.corpus.expected import FILE_NAME, Entry, write
from bpfsmt.corpus.part import Part
from bpfsmt.corpus.side import Side
from bpfsmt.corpus.work import Recorded, by, run_record
from bpfsmt.errors import LoadError
from bpfsmt.program import Program


@dataclass(slots=True)
class _Kept:
    """The entries so far, and what went wrong."""

    entries: list[Entry] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def add(self, one: Recorded) -> None:
        """One more program's answer."""
        if one.bug:
            self.bugs.append(one.bug)
        if one.why:
            self.silent.append(f"{one.entry.program}: {one.why}")
        else:
            self.entries.append(one.entry)

    def codes(self) -> set[int]:
        """The exit codes of what went wrong."""
        each = ((self.errors, EXIT_INPUT), (self.silent, EXIT_UNKNOWN), (self.bugs, EXIT_BUG))
        return {code for wrong, code in each if wrong}


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@side_options
@type_option
@click.option("--jobs", "-j", type=click.IntRange(1, 512), help="Processes; as many as CPUs.")
@click.option("--out", type=click.Path(path_type=Path),
              help=f"The file.  [default: {FILE_NAME} in CORPUS]")  # fmt: skip
@json_option
def record(
    corpus: Path,
    specs: tuple[str, ...],
    oracles: tuple[str, ...],
    kind: str,
    jobs: int | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """Keep what one rule set or kernel says of every program in the folder CORPUS.

    The file has each program's verdict, reason, length of the walk, and a digest of what is
    known after every instruction.  bpfsmt replay compares with it.

    Exits with 0 if all programs are in the file, 2 if some could not be loaded, 3 if there
    was no verdict on some.  Ctrl-C leaves the file as it was; the next run goes on from there.
    """
    start = time.perf_counter()
    (side,) = sides(1, "one of --rules and --oracle, please: who is to be recorded?")
    if not corpus.is_dir():
        raise LoadError(f"{corpus}: no folder")
    path = out or corpus / FILE_NAME
    kept = _record(corpus, path, side, kind, processes(jobs))
    if kept.entries:
        write(path, by(side), sorted(kept.entries, key=lambda entry: entry.program))
    for error in kept.errors:
        complain(describe(error))
    for line in kept.silent:
        complain(f"{line}: not recorded")
    for bug in kept.bugs[:1]:
        click.echo(bug, err=True)
    _say(kept, path, side, time.perf_counter() - start, as_json)
    return worst(kept.codes() if kept.entries else kept.codes() | {EXIT_UNKNOWN})


def _record(corpus: Path, path: Path, side: Side, kind: str, jobs: int) -> _Kept:
    kept, part, finished = _Kept(), Part(path, by(side)), False

    def new() -> Iterator[tuple[str, Program]]:
        """The programs without those that an interrupted run has done."""
        for name, program in named_programs([str(corpus)], kind, kept.errors, corpus):
            if known := part.known(name, program):
                kept.entries.append(known)
            else:
                yield name, program

    try:
        with counting(f"recording {side.name}", None) as count:
            for one in run_record(new(), side, jobs):
                count([one.entry.verdict])
                kept.add(one)
                if not one.why:
                    part.add(one.entry)
        finished = True
    except KeyboardInterrupt:
        complain(f"{part.path}: {len(kept.entries)} programs so far; record again to go on")
        raise
    finally:
        part.close(finished=finished)
    return kept


def _say(kept: _Kept, path: Path, side: Side, seconds: float, as_json: bool) -> None:
    verdicts = Counter(each.verdict for each in kept.entries)
    long = sum(1 for each in kept.entries if each.walked and not each.states)
    if as_json:
        report = {
            "file": str(path), "by": asdict(by(side)), "programs": len(kept.entries),
            "verdicts": dict(sorted(verdicts.items())), "without_states": long,
            "not_recorded": kept.silent, "errors": [str(error) for error in kept.errors],
            "seconds": round(seconds, 3),
        }  # fmt: skip
        click.echo(json.dumps(report, indent=2))
        return
    counts = ", ".join(f"{n} {word}" for word, n in sorted(verdicts.items()))
    states = f"; {long} without states (the walk is too long)" if long else ""
    where = str(path) if kept.entries else "nothing written"
    programs = f"{len(kept.entries)} program" + ("" if len(kept.entries) == 1 else "s")
    click.echo(f"{where}: {programs} ({counts}){states}; {seconds:.1f} s with {side.name}")
