"""What ``diff`` and ``replay`` print: a row for each program that differs, where, the total."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bpfsmt.agree.relation import Relation
from bpfsmt.agree.states import States
from bpfsmt.agree.verdicts import shape
from bpfsmt.cli.boundary import clean
from bpfsmt.cli.corpus import Found
from bpfsmt.corpus.difference import STATES, UNKNOWN, VERDICT, WALKED, WORDS, Difference, Parting
from bpfsmt.domain.analysis import Outcome, Verdict

_STYLES = {
    VERDICT: "bold red", STATES: "yellow", WALKED: "cyan", UNKNOWN: "magenta",
    "accept": "green", "reject": "yellow", "unsupported": "magenta",
}  # fmt: skip

LONGEST = 400
"""So much of a state is printed; --json has all of it."""


_KINDS = 6
"""So many kinds of instructions after which walks part are named; --json has all."""

_REGISTER = re.compile(r"\b[rw]\d+\b")


def show(found: Found, out: Console, names: tuple[str, str], seconds: float, every: bool) -> None:
    """The table, below it what differs, the total."""
    rows = [each for each in found.differences if every or each.kinds]
    if rows:
        out.print(_table(rows))
    for each in rows:
        for line in _details(each):
            out.print(line, soft_wrap=True)
    out.print("\n".join(_total(found, names, seconds)), soft_wrap=True)


def _table(rows: Sequence[Difference]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("program", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("walked", justify="right", no_wrap=True)
    some = [relation for relation in WORDS if any(_count(each, relation) for each in rows)]
    for relation in some:
        table.add_column(WORDS[relation], justify="right")
    table.add_column("differs", no_wrap=True)
    for each in rows:
        counts = [str(_count(each, relation) or "") for relation in some]
        if each.states is None:
            counts = ["-"] * len(some)
        a, b = (verdict.outcome.value for verdict in (each.a, each.b))
        verdicts = Text(a, _STYLES[a])
        if a != b:
            verdicts = Text.assemble(verdicts, " → ", (b, _STYLES[b]))
        kinds = Text(", ").join(Text(kind, _STYLES[kind]) for kind in _sorted(each))
        table.add_row(Text(clean(short_name(each.name))), verdicts, _walked(each), *counts, kinds)
    return table


def _count(each: Difference, relation: Relation) -> int:
    return each.states.pairs[relation] if each.states is not None else 0


def short_name(name: str) -> str:
    """The file alone where it says the program's name.

    >>> short_name("xdp/xdp_drop.o:xdp_drop"), short_name("a.o:b")
    ('xdp/xdp_drop.o', 'a.o:b')
    """
    file, _, program = name.rpartition(":")
    return file if PurePosixPath(file).stem == program else name


def _walked(each: Difference) -> str:
    a, b = ("?" if n is None else str(n) for n in each.walked)
    return a if a == b else f"{a} → {b}"


def _sorted(each: Difference) -> list[str]:
    return [kind for kind in (VERDICT, STATES, WALKED, UNKNOWN) if kind in each.kinds]


def _details(each: Difference) -> Iterator[Text]:
    """The reasons where the verdicts are not the same, and where the walks part."""
    name = clean(short_name(each.name))
    for kind in (VERDICT, UNKNOWN):
        if kind in each.kinds:
            yield Text.assemble((kind, _STYLES[kind]), f" {name}")
            yield Text(f"    A  {_reason(each.a)}")
            yield Text(f"    B  {_reason(each.b)}")
    if each.parting is not None:
        what = STATES if STATES in each.kinds else WALKED
        yield Text.assemble((what, _STYLES[what]), f" {name}: {_where(each.parting)}")
        yield Text(f"    A  {_cut(clean(each.parting.a))}")
        yield Text(f"    B  {_cut(clean(each.parting.b))}")


def _reason(verdict: Verdict) -> str:
    if verdict.outcome is Outcome.ACCEPT:
        return "accept"
    at = f" at {verdict.pc}" if verdict.pc >= 0 else ""
    return _cut(clean(f"{verdict.outcome.value}{at}, {verdict.kind}: {verdict.message}"))


def _where(parting: Parting) -> str:
    if parting.pc < 0:
        return "somewhere"
    after = f"after {parting.pc}: {clean(parting.insn)}"
    return f"first {after}" if parting.insn else f"first before {parting.pc}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _total(found: Found, names: tuple[str, str], seconds: float) -> Iterator[str]:
    total = totals(found)
    programs = f"{total['programs']} program" + ("" if total["programs"] == 1 else "s")
    kinds = ", ".join(f"{n} {kind}" for kind, n in total["differ"].items())
    yield f"{programs}: {total['unchanged']} unchanged; {kinds}"
    if total["states"]["equal"]:
        pairs = ", ".join(f"{n} {word}" for word, n in total["states"].items())
        yield f"registers and slots: {pairs}"
    if total["part_after"]:
        most = list(total["part_after"].items())[:_KINDS]
        yield "they part after: " + clean(", ".join(f"{n} × {insn}" for insn, n in most))
    if total["states_not_compared"]:
        yield f"states not compared: {total['states_not_compared']}"
    if found.interrupted:
        yield "interrupted: these are the programs that were done"
    yield f"A = {clean(names[0])}, B = {clean(names[1])}; {seconds:.1f} s"


def totals(found: Found) -> dict[str, Any]:
    """The sums as plain data."""
    kinds = Counter(kind for each in found.differences for kind in each.kinds)
    states = States()
    for each in found.differences:
        if each.states is not None:
            states.add(each.states)
    parted = (each.parting.insn for each in found.differences if each.parting)
    insns = Counter(_REGISTER.sub("r", shape(insn)) or "a path's beginning" for insn in parted)
    return {
        "programs": len(found.differences),
        "unchanged": sum(not each.kinds for each in found.differences),
        "differ": {kind: kinds[kind] for kind in (VERDICT, STATES, WALKED, UNKNOWN)},
        "states": {word: states.pairs[relation] for relation, word in WORDS.items()},
        "part_after": dict(insns.most_common()),
        "states_not_compared": sum(not each.compared for each in found.differences),
    }


def to_json(found: Found, names: tuple[str, str], seconds: float) -> dict[str, Any]:
    """Everything as plain data."""
    return {
        "A": names[0],
        "B": names[1],
        "fail_on": found.level,
        "total": totals(found),
        "programs": [each.to_json() for each in found.differences],
        "errors": [str(error) for error in found.errors],
        "interrupted": found.interrupted,
        "seconds": round(seconds, 3),
    }
