"""What ``bpfsmt run`` prints for people."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bpfsmt.cli.boundary import clean
from bpfsmt.machine import UserMap
from bpfsmt.network.beside import StepView, steps
from bpfsmt.network.checksums import wrong_checksums
from bpfsmt.network.compare import changes
from bpfsmt.network.contents import MapLine, lines
from bpfsmt.network.fields import summary
from bpfsmt.network.loaded import Loaded
from bpfsmt.network.runner import Ran, Runner

_ENTRIES = 20
"""So many entries of a map are printed, unless all are asked for."""

_VIOLATIONS = 10


def show_ran(ran: Ran, loaded: Loaded, *, trace: bool) -> None:
    """One packet: the answer, what it is, what changed, what is wrong."""
    if trace and ran.result.trace is not None:
        for view in steps(ran.result.trace, loaded.analysis):
            for line in _step_lines(view):
                click.echo(clean(line))
    where = f" to {ran.where}" if ran.where else ""
    answer = f"{ran.result.problem or ran.answer}{where}"
    click.echo(clean(f"{ran.number:>5}  {answer}  {summary(ran.before)}"))
    for line in [*changes(ran.before, ran.after), *_more(ran)]:
        click.echo(clean(f"         {line}"))
    for violation in ran.violations[:_VIOLATIONS]:
        click.echo(clean(f"         refuted: {violation}"))
    if len(ran.violations) > _VIOLATIONS:
        click.echo(f"         and {len(ran.violations) - _VIOLATIONS} more claims refuted")


def _more(ran: Ran) -> Iterator[str]:
    """Metadata, records for user space, and checksums that the program broke."""
    if ran.result.data_meta:
        yield f"metadata: {ran.result.data_meta.hex()}"
    for record in ran.records:
        yield f"record ({record.map}): {record.data.hex()}"
    broken = sorted(set(wrong_checksums(ran.after)) - set(wrong_checksums(ran.before)))
    if broken and ran.goes_on:
        yield f"checksum wrong now: {', '.join(broken)}"


def _step_lines(view: StepView) -> Iterator[str]:
    indent = "  " * (view.depth - 1)
    for register in view.registers:
        claim = f"  claimed {register.claim}" if register.claim else "  (no claim)"
        yield f"{indent}            {register.name:>4} = {register.value:<22}{claim}"
    for violation in view.wrong:
        yield f"{indent}            refuted: {violation}"
    yield f"{indent}{view.pc:>8}: {view.instruction}"


def show_totals(runner: Runner, *, everything: bool) -> None:
    """How often which answer, and what maps hold."""
    counts = ", ".join(f"{n} {word}" for word, n in sorted(runner.totals.items()))
    packets = f"{runner.frames} packet{'s' if runner.frames != 1 else ''}"
    checked = ""
    if runner.check:
        checked = f"; {runner.checked} steps checked, {runner.refuted} claims refuted"
    click.echo(clean(f"{packets}: {counts}; {runner.steps} instructions{checked}"))
    for printed in runner.env.printed:
        click.echo(clean(f"printed: {printed.text}"))
    for each in runner.env.user_maps():
        for line in _map_lines(each, everything=everything):
            click.echo(clean(line))


def _map_lines(which: UserMap, *, everything: bool) -> Iterator[str]:
    found = list(lines(which, zeros=everything))
    definition = which.definition
    yield f"map {definition.name} ({definition.type}): {_count(found, everything)}"
    for line in found if everything else found[:_ENTRIES]:
        yield f"  {line.key}: {line.value}" if line.key else f"  {line.value}"
    if len(found) > _ENTRIES and not everything:
        yield f"  and {len(found) - _ENTRIES} more (--all shows them)"


def _count(found: list[MapLine], everything: bool) -> str:
    if not found:
        return "empty" if everything else "nothing that is not zero"
    word = "entry" if len(found) == 1 else "entries"
    return f"{len(found)} {word}" + ("" if everything else " not zero")
