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
from bpfsmt.fuzz.case import program_text, to_json
from bpfsmt.fuzz.finding import Found
from bpfsmt.fuzz.regression import export, replayed
from bpfsmt.fuzz.store import Store

UNKNOWN = {
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
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("rules")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    found = list(store.findings())
    for spec in rules:
        done = store.done(spec)
        mine = Counter(bool(f.shown.cause) for f in found if f.rules == spec)
        row = [_cell(done.counts, keys) for keys in _COLUMNS.values()]
        row[1] = share(done.counts)
        row[-3:] = [str(mine[True]), str(mine[False]), f"{done.seconds:.1f}"]
        table.add_row(clean(spec), *row)
    out.print(table)
    for f in found:
        for text in _lines(f):
            out.print(text, soft_wrap=True)
    if known := sum(bool(f.shown.cause) for f in found):
        said = "1 finding rests" if known == 1 else f"{known} findings rest"
        out.print(f"known: {said} on what is listed; {len(found) - known} unexplained")
    for line in unknowns(store, rules):
        out.print(Text(f"unknown: {line}"), soft_wrap=True)


_COLUMNS = {
    "programs": ("programs",), "accepted": (), "runs": ("runs",), "by Z3": ("z3 programs",),
    "obligations": ("z3 proved", "z3 refuted", "z3 unknown"), "loads": ("kernel loads",),
    "test runs": ("kernel runs",), "known": (), "findings": (), "CPU s": (),
}  # fmt: skip


def _cell(counts: Counter[str], keys: Sequence[str]) -> str:
    return str(sum(counts[key] for key in keys))


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
                "seconds": round(d.seconds, 2),
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
        now = None if shown is None else {"pc": shown.pc, "text": shown.text}
        click.echo(json.dumps({"was": to_json(found), "shown": now}, indent=2))
    elif shown is None:
        click.echo(clean(f"{case}: no more: {found.key}"))
    else:
        click.echo(clean(f"{case}: still there: {shown.key}"))
        for line in shown.text.splitlines():
            click.echo(clean(f"    {line}"))
    return EXIT_PROVED if shown is None else EXIT_REFUTED
