"""``bpfsmt museum``: the kernel's historic faults, each refuted and shown by a program."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bpfsmt.cli.boundary import (
    EXIT_INTERRUPTED,
    EXIT_PROVED,
    EXIT_REFUTED,
    EXIT_UNKNOWN,
    clean,
    complain,
    worst,
)
from bpfsmt.cli.common import json_option
from bpfsmt.cli.tables import console
from bpfsmt.museum import Seen, tour
from bpfsmt.rules import load_exhibit
from bpfsmt.rules.museum import ABSENT, MODULES, Exhibit

Done = tuple[Exhibit, Seen]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME|FILE.py]...")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="Processes; as many as cores.")
@json_option
def museum(names: tuple[str, ...], jobs: int | None, as_json: bool) -> int:
    """Refute the unsound rules and walks that Linux has had, and run a program that shows each.

    Each exhibit has to fail in what it lists and nothing else, the corrected rule has to be
    proved, and the program to be let through and go wrong.  Where the walk forgets something,
    claims about the program have to be refuted.  A FILE defines an exhibit as EXHIBIT.

    Exit code 0: all as listed; 1: something is not; 3: something unknown.
    """
    specs = list(dict.fromkeys(names or MODULES))
    exhibits = {spec: load_exhibit(spec) for spec in specs}
    found, interrupted = _run(specs, jobs or os.cpu_count() or 1)
    done = [(exhibits[spec], found[spec]) for spec in specs if spec in found]
    if as_json:
        click.echo(json.dumps([to_json(e, seen) for e, seen in done], indent=2))
    else:
        _show(done)
        for absent in () if names else ABSENT:
            click.echo(f"no exhibit: {absent.faults}: {absent.why}")
    if interrupted:
        complain("interrupted")
    return worst({*(code(seen) for _, seen in done), *([EXIT_INTERRUPTED] if interrupted else [])})


def _run(specs: Sequence[str], jobs: int) -> tuple[dict[str, Seen], bool]:
    """What was found, and whether Ctrl-C ended it early."""
    found: dict[str, Seen] = {}
    err = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.fields[last]}"))  # fmt: skip
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=len(specs), last="")
        try:
            for seen in tour(specs, jobs):
                found[seen.spec] = seen
                progress.update(task, advance=1, last=clean(seen.spec))
        except KeyboardInterrupt:
            return found, True
    return found, False


def code(seen: Seen) -> int:
    """0 if everything is as the exhibit lists it, 1 if not, 3 if something is unknown."""
    if seen.faults:
        return EXIT_REFUTED
    return EXIT_UNKNOWN if seen.verdict.unknown else EXIT_PROVED


def verdict_word(exhibit: Exhibit, seen: Seen) -> str:
    """The verdict on the wrong rule in a few words."""
    if any(fault.startswith("not refuted") for fault in seen.faults):
        return "not refuted"
    if seen.verdict.unknown:
        return "unknown"
    return "refuted unless synced" if exhibit.unsynced and not exhibit.refuted else "refuted"


def program_word(seen: Seen) -> str:
    """What the program came to."""
    if seen.replay is None:
        return "none"
    return "shown" if seen.replay.shown else "not shown"


def components(names: Sequence[str]) -> str:
    """Obligations, those of one rule together if their parts are single words.

    >>> components(["zext32/u64", "zext32/s64", "movsx64(8)/u64", "movsx64(16)/u64"])
    'zext32/u64,s64; movsx64/u64'
    """
    parts: dict[str, list[str]] = {}
    for name in names:
        rule, _, part = name.partition("/")
        rule = rule.partition("(")[0]
        found = parts.setdefault(f"{rule}/{part if ' ' in part else ''}", [])
        if " " not in part and part not in found:
            found.append(part)
    return "; ".join(rule + ",".join(found) for rule, found in parts.items())


def found_in(exhibit: Exhibit) -> str:
    """Where the fault shows: in obligations, or in claims about a program by some checks."""
    rules = components((*exhibit.refuted, *exhibit.unsynced))
    program = f"claims: {', '.join(exhibit.caught)}" if exhibit.caught else ""
    return "; ".join(filter(None, (rules, program)))


def _show(done: Sequence[Done]) -> None:
    out = console()
    if done:
        out.print(_table(done))
    for exhibit, seen in done:
        for fault in seen.faults:
            out.print(Text(f"{exhibit.name}: {clean(fault)}", "bold red"), soft_wrap=True)
        for name in seen.verdict.unknown:
            out.print(Text(f"{exhibit.name}: unknown: {name}", "magenta"), soft_wrap=True)
    good = sum(code(seen) == EXIT_PROVED for _, seen in done)
    shown = sum(seen.replay is not None and seen.replay.shown for _, seen in done)
    spent = sum(seen.seconds for _, seen in done)
    again = sum(seen.corrected for _, seen in done)
    proved = sum(r.verdict == "proved" for _, seen in done for r in seen.verdict.right)
    count = f"{len(done)} exhibit{'' if len(done) == 1 else 's'}"
    out.print(
        f"{count}: {good} refuted as listed and proved when corrected, {shown} shown by a program; "
        f"{spent:.1f} s of processor time, and {again:.1f} s for {proved} proofs of what is right",
        soft_wrap=True,
    )


_STYLES = {"not refuted": "bold red", "not shown": "bold red", "unknown": "magenta"}


def _table(done: Sequence[Done]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("exhibit", "fixed by", "wrong in", "kind", "component", "verdict"):
        table.add_column(name, overflow="fold")
    for name in ("first", "all"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("program", no_wrap=True)
    for exhibit, seen in done:
        verdict, program = verdict_word(exhibit, seen), program_word(seen)
        table.add_row(
            exhibit.name, exhibit.fix, exhibit.bad, exhibit.kind,
            found_in(exhibit),
            Text(verdict, _STYLES.get(verdict, "green")),
            f"{seen.first:.2f} s", f"{seen.seconds:.1f} s",
            Text(program, _STYLES.get(program, "")),
        )  # fmt: skip
    return table


def to_json(exhibit: Exhibit, seen: Seen) -> dict[str, Any]:
    """Everything as plain data."""
    v = seen.verdict
    return {
        "name": exhibit.name,
        "number": exhibit.number,
        "title": exhibit.title,
        "cve": exhibit.cve,
        "introduced": exhibit.introduced,
        "fix": exhibit.fix,
        "bad": exhibit.bad,
        "fixed": exhibit.fixed,
        "kind": exhibit.kind,
        "wrong": exhibit.wrong,
        "right": exhibit.right,
        "limits": exhibit.limits,
        "listed": [*exhibit.refuted, *exhibit.unsynced],
        "undone": list(exhibit.undone),
        "caught": list(seen.claims.wrong) if seen.claims else [],
        "verdict": verdict_word(exhibit, seen),
        "refuted": list(v.refuted),
        "unsynced": list(v.unsynced),
        "unknown": list(v.unknown),
        "seconds": {
            "first": round(seen.first, 3),
            "wrong": round(seen.seconds, 3),
            "corrected": round(seen.corrected, 3),
        },
        "obligations": {"wrong": v.counts(), "corrected": v.counts(fault=False)},
        "program": program_word(seen),
        "faults": list(seen.faults),
    }
