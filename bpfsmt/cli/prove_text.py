"""What ``bpfsmt prove`` prints: the table of rules, counterexamples, JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from bpfsmt.domain.printing import format_scalar
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.poc import Poc, selftest
from bpfsmt.prover.decide import Result
from bpfsmt.prover.obligation import Counterexample
from bpfsmt.prover.prove import Done
from bpfsmt.prover.settled import callers_unasked, given_unasked
from bpfsmt.rules import RuleSet

STYLES = {"proved": "green", "refuted": "bold red", "unknown": "yellow"}


def proof_table(done: Sequence[Done], every: bool) -> Table:
    """One row for each theorem; for each obligation if ``every``, or if it is not proved."""
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "kind", "verdict", "needs"):
        table.add_column(name, no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("how")
    for d in done:
        counts = Counter(r.verdict for r in d.results)
        said = ", ".join(f"{n} {w}" for w, n in counts.items())
        style = next(
            STYLES[w] for w in ("refuted", "unknown", "proved") if counts[w] or w == "proved"
        )
        kinds = ", ".join(sorted({r.kind for r in d.results}))
        needs = "synced inputs" if any(r.inputs == "synced" for r in d.results) else ""
        if all(r.kind == "coherence" for r in d.results):
            needs = ""
        uses = ", ".join(sorted({u for r in d.results for u in r.uses}))
        seconds = sum(r.seconds for r in d.results)
        table.add_row(
            d.theorem, kinds, f"[{style}]{said}[/]", needs,
            "cached" if d.cached else f"{seconds:.2f}", f"given {uses}" if uses else "",
        )  # fmt: skip
        for r in d.results:
            if every or r.verdict != "proved":
                verdict = f"[{STYLES[r.verdict]}]{r.verdict}[/]" + (f": {r.why}" if r.why else "")
                needs = "synced inputs" if r.inputs == "synced" else ""
                table.add_row(f"  {r.name}", "", verdict, needs, f"{r.seconds:.2f}", r.how)
    return table


def counterexample_text(r: Result) -> str:
    """A refutation in the rule's own terms, as a kernel's log writes states."""
    c = r.counterexample
    assert c is not None
    lines = [f"{r.name}: refuted, and run on ints"]
    numbers = list(c.numbers)
    for i, arg in enumerate(c.args):
        of = f"   for {_hex(numbers[i])}" if isinstance(arg, tuple) and i < len(numbers) else ""
        lines.append(f"  argument {i + 1}: {show_value(arg)}{of}")
    lines.append(f"  result: {show_value(c.result)}")
    if c.value is not None:
        lines.append(
            f"  but the operation gives {_hex(c.value)}: not in the {c.part} of the result"
        )
    else:
        lines.append(f"  which is not so: {c.part} (open numbers {', '.join(map(_hex, numbers))})")
    return "\n".join(lines)


def show_value(value: Any) -> str:
    """A rule's argument or result: scalars and tnums in the kernel's log syntax."""
    if isinstance(value, Scalar):
        return format_scalar(value)
    if isinstance(value, Tnum):
        return f"({_hex(value.value)}; {_hex(value.mask)})"
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        parts = [show_value(v) for v in value]
        return ", ".join(f"{n}={p}" for n, p in zip(names, parts, strict=True)) if names else (
            " and ".join(parts)
        )  # fmt: skip
    return str(value)


def _hex(x: int) -> str:
    return hex(x) if abs(x) > 9 else str(x)


def poc_text(rule: str, poc: Poc) -> str:
    """The program with what it shows."""
    return (
        f"a program that shows it ({rule}, found in {poc.seconds:.1f} s):\n{poc.text}"
        f"the run refutes the verifier: {poc.violation}"
    )


def proof_json(
    rules: RuleSet, done: Sequence[Done], seconds: float, pocs: Mapping[str, Poc]
) -> dict[str, Any]:
    """Everything as plain data."""
    results = [r for d in done for r in d.results]
    counts = Counter(r.verdict for r in results)
    return {
        "rules": rules.name,
        "fingerprint": rules.fingerprint,
        "seconds": round(seconds, 3),
        "verdicts": {w: counts[w] for w in ("proved", "refuted", "unknown")},
        "not_asked": {"callers": callers_unasked(rules, results), "given": given_unasked(results)},
        "obligations": [
            _result(r) | ({"known": rules.faults[r.name]} if known(rules, r) else {})
            for r in results
        ],
        "pocs": {
            rule: {
                "program": p.text,
                "numbers": list(p.numbers),
                "shows": p.violation,
                "instructions": p.length,
                "seconds": p.seconds,
                "selftest": selftest(p),
            }
            for rule, p in pocs.items()
        },
    }


def known(rules: RuleSet, r: Result) -> bool:
    """A refutation that the rule set itself lists as a fault of its release."""
    return r.verdict == "refuted" and r.name in rules.faults


def _result(r: Result) -> dict[str, Any]:
    data = asdict(r)
    data["counterexample"] = plain_counterexample(r.counterexample)
    return {k: v for k, v in data.items() if v not in ("", (), None)}


def plain_counterexample(c: Counterexample | None) -> dict[str, Any] | None:
    """A counterexample as plain data."""
    if c is None:
        return None
    return {
        "part": c.part,
        "arguments": [show_value(a) for a in c.args],
        "numbers": list(c.numbers),
        "result": show_value(c.result),
        "value": c.value,
    }
