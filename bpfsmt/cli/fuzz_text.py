"""What a campaign came to, for a reader and as JSON; its cases written, and read again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from bpfsmt.cli.boundary import EXIT_PROVED, EXIT_REFUTED, clean
from bpfsmt.cli.tables import console
from bpfsmt.fuzz.case import to_json
from bpfsmt.fuzz.finding import Found
from bpfsmt.fuzz.reached import Reached
from bpfsmt.fuzz.regression import export, replayed
from bpfsmt.fuzz.store import Store
from bpfsmt.program.text import program_text

UNKNOWN = {
    "too long": "programs whose walk was given up, as it is long",
    "unsupported": "programs that our verifier does not model",
    "runs budget": "runs without an end",
    "runs unsupported": "runs of what the machine does not model",
    "z3 unknown": "obligations that Z3 did not decide within its budget",
    "kernel unsupported": "programs of the kernel's that ours does not model",
    "kernel unknown": "test runs of what the machine does not model",
    "kernel not asked": "programs that the kernel was not asked about",
}
"""Counts of what was asked and has no answer, in words."""


def share(counts: Counter[str]) -> str:
    """The accepted ones of all programs."""
    total = counts["programs"]
    return f"{100 * counts['accepted'] / total:.0f} %" if total else "-"


def unknowns(store: Store, rules: Sequence[str]) -> list[str]:
    """What has no answer, a line for each sort."""
    total: Counter[str] = Counter()
    for spec in rules:
        total.update(store.done(spec).counts)
    return [f"{total[name]} {words}" for name, words in UNKNOWN.items() if total[name]]


def show_campaign(store: Store, rules: Sequence[str]) -> None:
    """The table of rule sets, the findings, and what is unknown."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    add_columns(table, out.width, "CPU s")
    found = list(store.findings())
    done = {spec: store.done(spec) for spec in rules}
    for spec, d in done.items():
        mine = [bool(f.shown.cause) for f in found if f.rules == spec]
        row = cells(spec, d.counts, d.reached, (sum(mine), len(mine) - sum(mine)))
        table.add_row(*row, f"{d.seconds:.1f}")
    out.print(table)
    for spec, d in done.items():
        out.print(Text(f"{clean(spec)}: {asked(d.counts)}"), soft_wrap=True)
    for f in found:
        for text in _lines(f):
            out.print(text, soft_wrap=True)
    if known := sum(bool(f.shown.cause) for f in found):
        said = "1 finding rests" if known == 1 else f"{known} findings rest"
        out.print(f"known: {said} on what is listed; {len(found) - known} unexplained")
    for line in unknowns(store, rules):
        out.print(Text(f"unknown: {line}"), soft_wrap=True)


def add_columns(table: Table, width: int, *more: str) -> None:
    """The columns of `cells`, and some more, in so wide a terminal: long names give way."""
    names = ("programs", "accepted", "rules run", "branches", "known", "findings", *more)
    left = width - sum(len(name) + 2 for name in names) - 5  # programs, of so many
    table.add_column("rules", no_wrap=True, overflow="ellipsis", max_width=max(left, 8))
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)


def cells(
    spec: str, counts: Counter[str], reached: Reached, found: tuple[int, int], goal: str = ""
) -> list[str | Text]:
    """One rule set in a table: ``found`` are known findings and others."""
    shares = [f"{a}/{b}" for a, b in reached.shares.values()]
    known, new = found
    return [
        clean(spec), f"{counts['programs']}{goal}", share(counts), *shares,
        str(known), Text(str(new), "bold red" if new else ""),
    ]  # fmt: skip


def asked(counts: Counter[str]) -> str:
    """How much each oracle was asked, in words."""
    proofs = sum(counts[f"z3 {status}"] for status in ("proved", "refuted", "unknown"))
    words = [(counts["runs"], "runs"), (counts["steps"], "steps"), (proofs, "obligations"),
             (counts["kernel loads"], "loads"), (counts["kernel runs"], "test runs")]  # fmt: skip
    return ", ".join(f"{n} {word}" for n, word in words if n) or "nothing yet"


def _lines(found: Found) -> Iterator[Text]:
    key = found.key
    small = "" if found.least else " (not made small yet)"
    colour = "yellow" if found.shown.cause else "red"
    yield Text.assemble(
        (clean(f"{key.kind}: {key.rule} {key.component}"), f"bold {colour}"),
        clean(f"  {found.rules}, by {found.shown.oracle.value}, met {found.times} times{small}"),
    )
    if found.shown.cause:
        yield Text(f"    known: {clean(found.shown.cause)}", "yellow")
    for line in found.shown.text.splitlines():
        yield Text(f"    {clean(line)}")
    for line in program_text(found.program).splitlines():
        yield Text(f"        {clean(line)}", "dim")


def campaign_json(store: Store, rules: Sequence[str], interrupted: bool) -> dict[str, Any]:
    """Everything as plain data."""
    done = {spec: store.done(spec) for spec in rules}
    return {
        "settings": store.settings,
        "interrupted": interrupted,
        "rules": {
            spec: {
                "batches": len(d.numbers), "counts": dict(sorted(d.counts.items())),
                "coverage": d.reached.to_json(), "seconds": round(d.seconds, 2),
            } for spec, d in done.items()
        },
        "findings": [to_json(f) | {"program": program_text(f.program)} for f in store.findings()],
        "unknown": unknowns(store, rules),
    }  # fmt: skip


def export_to(campaign: Path, folder: Path, as_json: bool) -> int:
    """``--export``: a case for each finding, and the command that asks again."""
    store = Store(campaign, None)
    try:
        paths = list(export(store.findings(), store.settings, folder))
    finally:
        store.close()
    if as_json:
        click.echo(json.dumps([str(path) for path in paths], indent=2))
    for path in () if as_json else paths:
        click.echo(clean(f"bpfsmt fuzz --replay {path}"))
    return EXIT_PROVED


def replay_case(case: Path, as_json: bool) -> int:
    """``--replay``: exit code 1 if the finding is still there, 0 if not."""
    found, shown = replayed(case)
    if as_json:
        now = shown and {"pc": shown.pc, "text": shown.text, "cause": shown.cause}
        click.echo(json.dumps({"was": to_json(found), "shown": now}, indent=2))
    elif shown is None:
        click.echo(clean(f"{case}: no more: {found.key}"))
    else:
        click.echo(clean(f"{case}: still there: {shown.key}"))
        if shown.cause:
            click.echo(clean(f"    known: {shown.cause}"))
        for line in shown.text.splitlines():
            click.echo(clean(f"    {line}"))
    return EXIT_PROVED if shown is None else EXIT_REFUTED
