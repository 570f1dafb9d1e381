"""What ``bpfsmt precision`` prints: verdicts by part, gaps, examples, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from bpfsmt.cli.prove_text import show_value
from bpfsmt.domain.scalar import Tnum
from bpfsmt.precision.cases import Example
from bpfsmt.precision.measured import Gap
from bpfsmt.precision.optimal import Optimality
from bpfsmt.precision.run import Asked, Options
from bpfsmt.rules import RuleSet

if TYPE_CHECKING:
    from bpfsmt.precision.generations import Round

STYLES = {"optimal": "green", "not optimal": "cyan", "not sound": "bold red", "unknown": "yellow"}
VERDICTS = tuple(STYLES)


def precision_table(asked: Sequence[Asked]) -> Table:
    """One row for each part of each operation."""
    table = Table(box=None, pad_edge=False)
    for name in ("operation", "part", "from that part alone"):
        table.add_column(name, no_wrap=True)
    table.add_column("example", overflow="fold")
    for name in ("small", "drawn", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in asked:
        name = one.operation
        for a in one.answers:
            said = f"[{STYLES[a.verdict]}]{a.verdict}[/]"
            table.add_row(
                name, a.part, said, _brief(a), _gap(one.small.get(a.part)),
                _gap(one.drawn.get(a.part)), f"{a.seconds:.1f}",
            )  # fmt: skip
            name = ""
    return table


def _brief(a: Optimality) -> str:
    if a.example is None:
        return a.why
    operands = ", ".join(show_part(v) for v in a.example.values)
    return f"{operands} -> {show_part(a.example.result)}, best {show_part(a.example.best)}"


def _gap(gap: Gap | None) -> str:
    """The share of cases in which the result was the best, and bits lost on average."""
    return "" if gap is None or not gap.cases else f"{100 * gap.share:.1f}% {gap.mean:.2f}"


def show_part(value: Any) -> str:
    """A tnum as (value; mask), a range as lo..hi, a known count."""
    if isinstance(value, Tnum):
        return show_value(value)
    if isinstance(value, tuple):
        lo, hi = value
        return _number(lo) if lo == hi else f"{_number(lo)}..{_number(hi)}"
    return _number(value)


_NAMES = {
    (1 << 64) - 1: "U64_MAX", (1 << 63) - 1: "S64_MAX", -(1 << 63): "S64_MIN",
    (1 << 32) - 1: "U32_MAX", (1 << 31) - 1: "S32_MAX", -(1 << 31): "S32_MIN",
    1 << 63: "2^63", 1 << 31: "2^31",
}  # fmt: skip
"""Numbers that ranges begin and end with."""


def _number(x: int) -> str:
    for value, name in _NAMES.items():
        if abs(x - value) <= 8:
            return name if x == value else f"{name}{x - value:+d}"
    return str(x) if abs(x) < 1 << 16 else hex(x)


def example_lines(asked: Sequence[Asked]) -> Iterator[str]:
    """Every example in full, with the rule's arguments as a kernel's log writes them."""
    for one in asked:
        for a in one.answers:
            if a.example is not None:
                size = "" if a.width == 64 else f", of {a.width} bits"
                yield f"{one.operation}/{a.part}: {a.verdict}{size} ({a.example.how})"
                yield from _full(a.example)


def _full(e: Example) -> Iterator[str]:
    for i, arg in enumerate(e.args):
        yield f"  argument {i + 1}: {show_value(arg)}"
    yield f"  result: {show_part(e.result)}"
    yield f"  best:   {show_part(e.best)}"


def summary(rules: RuleSet, asked: Sequence[Asked], options: Options, seconds: float) -> str:
    """The counts, and how the gaps were measured."""
    counts = Counter(a.verdict for one in asked for a in one.answers)
    said = ", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v] or v != "not sound")
    return (
        f"{rules.name}: {sum(counts.values())} parts of {len(asked)} operations: {said} "
        f"in {seconds:.1f} s\n"
        f"small: over all operands of {options.width} bits of which the part alone is known, how "
        f"often the result is the best, and bits lost on average; drawn: the same over "
        f"{options.count} whole operands of 64 bits and {1 << 4} members at most, "
        f"seed {options.seed}"
    )


def asked_json(
    rules: RuleSet, asked: Sequence[Asked], options: Options, seconds: float
) -> dict[str, Any]:
    """Everything as plain data."""
    counts = Counter(a.verdict for one in asked for a in one.answers)
    return {
        "rules": rules.name,
        "fingerprint": rules.fingerprint,
        "seconds": round(seconds, 3),
        "width": options.width,
        "seed": options.seed,
        "count": options.count,
        "verdicts": {v: counts[v] for v in VERDICTS},
        "operations": [_operation(one) for one in asked],
    }


def _operation(one: Asked) -> dict[str, Any]:
    return {
        "operation": one.operation,
        "rule": one.rule,
        "seconds": one.seconds,
        "parts": {a.part: _part(a, one) for a in one.answers},
    }


def _part(a: Optimality, one: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {"verdict": a.verdict, "seconds": a.seconds}
    found |= {k: v for k, v in (("how", a.how), ("why", a.why)) if v}
    if a.example is not None:
        e = a.example
        found["example"] = {
            "bits": a.width, "operands": e.values, "arguments": [show_value(x) for x in e.args],
            "result": e.result, "best": e.best, "how": e.how,
        }  # fmt: skip
    for name, gap in (("small", one.small.get(a.part)), ("drawn", one.drawn.get(a.part))):
        if gap is not None:
            found[name] = {
                "cases": gap.cases, "best": gap.best, "bits_lost": round(gap.bits, 6),
            }  # fmt: skip
    return found


def products_table(r: Round) -> Table:
    """How the products compare at one width."""
    few = "" if r.unknown == 64 else f", {r.unknown} unknown bits at most"
    over = f"{r.count} drawn pairs{few}, seed {r.seed}" if r.count else "all pairs"
    title = f"tnum_mul at {r.width} bits, {over}"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name in ("A", "B"):
        table.add_column(name, no_wrap=True)
    for name in ("pairs", "equal", "A tighter", "B tighter", "incomparable"):
        table.add_column(name, justify="right", no_wrap=True)
    for s in r.scores:
        cells = (s.equal, s.tighter, s.looser, s.apart)
        shown = (f"{n} ({100 * n / s.pairs:.3f}%)" for n in cells)
        table.add_row(s.first, s.second, str(s.pairs), *shown)
    means = ", ".join(f"{m.name} {m.mean:.4f}" for m in r.means)
    table.caption = f"unknown bits of a product: {means}"
    table.caption_justify = "left"
    return table


def round_json(r: Round) -> dict[str, Any]:
    """One width as plain data."""
    return {
        "width": r.width,
        "seed": r.seed,
        "drawn": r.count,
        "unknown_bits": r.unknown,
        "pairs": [
            {"A": s.first, "B": s.second, "pairs": s.pairs, "equal": s.equal,
             "A_tighter": s.tighter, "B_tighter": s.looser, "incomparable": s.apart}
            for s in r.scores
        ],
        "unknown_bits_of_products": {m.name: m.bits for m in r.means},
    }  # fmt: skip
