"""What ``bpfsmt diff`` prints: the rules that differ, an example for each way, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from bpfsmt.cli.prove_text import show_value
from bpfsmt.precision.compare import Comparison, Seen, only
from bpfsmt.precision.shared import LEFT, RIGHT
from bpfsmt.rules import RuleSet

STYLES = {
    "equal": "green", "A tighter": "cyan", "B tighter": "cyan", "incomparable": "magenta",
    "unknown": "yellow",
}  # fmt: skip

_SEEN = {LEFT: "A says more", RIGHT: "B says more", "neither": "neither says more"}


def diff_table(found: Sequence[Comparison], every: bool) -> Table:
    """One row for each rule; those of the same text only if ``every``."""
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "verdict", "by", "seen"):
        table.add_column(name, no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("not shown")
    for c in found:
        if every or c.how != "same text":
            by = f"{c.how}, {c.inputs} inputs" if c.inputs.endswith("synced") else c.how
            seen = ", ".join(_SEEN[k] for k in sorted(c.examples))
            table.add_row(
                c.rule, f"[{STYLES[c.verdict]}]{c.verdict}[/]", by, seen, f"{c.seconds:.1f}",
                _not_shown(c),
            )  # fmt: skip
    return table


def _not_shown(c: Comparison) -> str:
    """Why a verdict is open, and how many inputs showed nothing else."""
    drawn = f"; of {c.drawn} drawn inputs {c.differed} differ, none of them otherwise"
    return c.why + (drawn if c.drawn and c.verdict == "unknown" else "")


def seen_lines(found: Sequence[Comparison]) -> Iterator[str]:
    """Every example, as a kernel's log writes values."""
    for c in found:
        for kind, seen in sorted(c.examples.items()):
            yield f"{c.rule}: {_SEEN[kind]}"
            yield from _example(seen)


def _example(seen: Seen) -> Iterator[str]:
    for i, arg in enumerate(seen.args):
        yield f"  argument {i + 1}: {show_value(arg) or 'anything'}"
    yield f"  A: {show_value(seen.left) or 'anything'}"
    yield f"  B: {show_value(seen.right) or 'anything'}"


def summary(
    left: RuleSet, right: RuleSet, found: Sequence[Comparison], seconds: float
) -> Iterator[str]:
    """The counts, and what only one of them has."""
    counts = Counter(c.verdict for c in found)
    same = sum(c.how == "same text" for c in found)
    said = ", ".join(f"{counts[v]} {v}" for v in STYLES)
    yield (
        f"A = {left.name}, B = {right.name}: {len(found)} rules: {said}; {same} have the same "
        f"text; {seconds:.1f} s"
    )
    for name, a, b in (("A", left, right), ("B", right, left)):
        missing = only(a, b)
        if missing:
            yield f"  only in {name}: {', '.join(missing)}"


def diff_json(
    left: RuleSet, right: RuleSet, found: Sequence[Comparison], seconds: float
) -> dict[str, Any]:
    """Everything as plain data."""
    counts = Counter(c.verdict for c in found)
    return {
        "A": {"rules": left.name, "fingerprint": left.fingerprint, "only": only(left, right)},
        "B": {"rules": right.name, "fingerprint": right.fingerprint, "only": only(right, left)},
        "seconds": round(seconds, 3),
        "verdicts": {v: counts[v] for v in STYLES},
        "rules": [_rule(c) for c in found],
    }


def _rule(c: Comparison) -> dict[str, Any]:
    found: dict[str, Any] = {"rule": c.rule, "verdict": c.verdict, "seconds": c.seconds}
    said = ("how", c.how), ("inputs", c.inputs), ("why", c.why), ("drawn", c.drawn)
    found |= {k: v for k, v in said if v}
    if c.drawn:
        found["differed"] = c.differed
    if c.examples:
        found["examples"] = {
            _SEEN[k]: {"arguments": [show_value(a) for a in e.args],
                       "A": show_value(e.left), "B": show_value(e.right)}
            for k, e in c.examples.items()
        }  # fmt: skip
    return found
