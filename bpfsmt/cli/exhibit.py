"""``bpfsmt prove --rules museum/NAME``: one historic fault as a page to read."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bpfsmt.bits import Word
from bpfsmt.cli.boundary import EXIT_PROVED, EXIT_REFUTED, EXIT_UNKNOWN
from bpfsmt.cli.museum import components, found_in, to_json
from bpfsmt.cli.prove_text import poc_text
from bpfsmt.domain import Scalar, Tnum
from bpfsmt.domain.printing import format_scalar
from bpfsmt.domain.scalar import UNKNOWN, const
from bpfsmt.museum import Belief, Seen, look
from bpfsmt.poc import Poc, selftest, synthesise
from bpfsmt.poc.operations import operations
from bpfsmt.prover.decide import Result
from bpfsmt.prover.obligation import Counterexample
from bpfsmt.rules import load_exhibit
from bpfsmt.rules.duties import meaning
from bpfsmt.rules.museum import PROGRAM, Exhibit

WIDTH = 96
NO_RULE = (
    "What the walk forgot is in no rule, and no obligation speaks of it: what refutes it is the "
    "check of what it claims of a program."
)

SHOWN = 3
"""So many refuted components are shown with their inputs; the others only by name."""

Line = Text | str


class Page:
    """What is known, refuted, proved and run of one exhibit."""

    def __init__(self, name: str, poc_seconds: float) -> None:
        """Without ``poc_seconds`` no program is looked for from the rule alone."""
        self.exhibit = load_exhibit(name)
        self.seen = look(name, readable=True)
        self.poc = _found(self.exhibit, self.seen, poc_seconds) if poc_seconds else None

    @property
    def code(self) -> int:
        """1 if something is refuted, 3 if something is unknown: what `prove` says of rules."""
        if self.seen.refuted:
            return EXIT_REFUTED
        return EXIT_UNKNOWN if self.seen.verdict.unknown else EXIT_PROVED

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        e = self.exhibit
        results = {r.name: r for r in self.seen.verdict.wrong}
        shown = (results[n] for n in (*e.refuted, *e.unsynced) if n in results)
        return {
            **to_json(e, self.seen),
            "rules": [{"name": n, "wrong": was, "right": now} for n, was, now in e.texts],
            "counterexamples": {
                r.name: list(_inputs(e, r.rule, r.counterexample))
                for r in shown
                if r.counterexample is not None
            },
            "assembly": _assembly(e),
            "replay": list(_replayed(e, self.seen)),
            "poc": self.poc and {
                "program": self.poc.text, "numbers": list(self.poc.numbers),
                "shows": self.poc.violation, "selftest": selftest(self.poc),
            },
        }  # fmt: skip

    def show(self, out: Console, as_selftest: bool) -> None:
        """Print it."""
        for line in self._lines(as_selftest):
            out.print(line, soft_wrap=True, markup=False)

    def _lines(self, as_selftest: bool) -> Iterator[Line]:
        e, first = self.exhibit, self.seen.first
        yield _bold(f"{e.rules.name}: {e.title}")
        yield from _history(e)
        yield from _section("What was wrong", _wrapped(e.wrong))
        yield from _section("What is right", _wrapped(e.right))
        what = "walk" if e.undone else "rule"
        yield from _section(f"The {what} as it was", _texts(e, wrong=True))
        yield from _section(f"The {what} as it is ({e.base.name})", _texts(e, wrong=False))
        refuted = [*_refutations(e, self.seen), *_refuted_claims(self.seen)]
        yield from _section(f"Refuted, the first in {first:.2f} s", refuted)
        if e.about:
            yield from _section("Proved", _proved(e, self.seen))
        else:
            yield from _section("No rule is wrong", _wrapped(NO_RULE))
        if e.kind == PROGRAM:
            yield from _section("The check of the claims by itself", [_command(e)])
        if e.program is not None:
            program = [*_assembly(e).splitlines(), "", *_replayed(e, self.seen)]
            yield from _section(f"A program that the wrong {what} lets through", program)
        if self.poc is not None:
            text = selftest(self.poc) if as_selftest else poc_text(self.poc.operation, self.poc)
            yield from _section("A program found from the wrong rule alone", text.splitlines())
        if e.limits:
            yield from _section("What is not shown", _wrapped(e.limits))
        if self.seen.faults:
            yield from _section("Not as listed", list(self.seen.faults), "bold red")


def _found(exhibit: Exhibit, seen: Seen, seconds: float) -> Poc | None:
    """A program made from the first wrong rule for which there is one in that time.

    Rules that are operations are tried before those that these call, and all for a part of the
    time first: one of them may soon show, and others never.
    """
    wrong = dict.fromkeys(r.rule for r in seen.verdict.wrong if r.verdict == "refuted")
    calling = {rule: [o.rule for o in operations(exhibit.rules, rule)] for rule in wrong}
    ordered = sorted((r for r in wrong if calling[r]), key=lambda r: r not in calling[r])
    pocs = (
        synthesise(exhibit.rules, rule, seconds=share * seconds)
        for share in ((0.3, 1) if len(ordered) > 1 else (1,))
        for rule in ordered
    )
    return next((poc for poc in pocs if poc is not None), None)


def _bold(text: str) -> Text:
    return Text(text, "bold")


def _section(title: str, lines: Sequence[Line] | Iterator[Line], style: str = "") -> Iterator[Line]:
    shown = list(lines)
    while shown and not shown[-1]:
        shown.pop()
    yield ""
    yield _bold(title)
    for line in shown:
        yield Text(f"  {line}" if line else "", style) if isinstance(line, str) else line


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH - 2)


def _history(e: Exhibit) -> Iterator[str]:
    for label, text in (
        ("known as", e.cve), ("brought by", e.introduced), ("mended by", e.fix),
        ("wrong in", e.bad), ("right in", e.fixed),
        ("shows in", found_in(e)),
    ):  # fmt: skip
        if text:
            yield f"  {label + ':':12}{text}"


def _texts(e: Exhibit, wrong: bool) -> Iterator[str]:
    """The rules' texts, those that only one side has included; what the walk does, or not."""
    for name in e.undone:
        yield f"{name}: {'not done' if wrong else meaning(name)}"
        yield ""
    for name, before, after in e.texts:
        text = before if wrong else after
        yield from (text or f"({name} is gone)").splitlines()
        yield ""


def _refutations(e: Exhibit, seen: Seen) -> Iterator[str]:
    """What is listed, each with its inputs; components that fail for the same ones together."""
    results = {r.name: r for r in seen.verdict.wrong}
    listed = [results[n] for n in (*e.refuted, *e.unsynced) if n in results]
    groups = [list(g) for _, g in itertools.groupby(listed, _same_inputs)]
    for group in groups[:SHOWN]:
        yield f"{components([r.name for r in group])}: {_verdict(group[0])}"
        if group[0].counterexample is not None:
            parts = ", ".join(r.counterexample.part for r in group if r.counterexample)
            yield from (f"  {x}" for x in _inputs(e, group[0].rule, group[0].counterexample, parts))
    if groups[SHOWN:]:
        more = ", ".join(f"{r.name} ({_verdict(r)})" for g in groups[SHOWN:] for r in g)
        yield from _wrapped(f"and {more}")


def _refuted_claims(seen: Seen) -> Iterator[str]:
    """The checks that refute what is claimed of the program."""
    if seen.claims is not None:
        yield f"claims about the program below: refuted by {', '.join(seen.claims.wrong) or 'none'}"


def _command(e: Exhibit) -> str:
    return f"bpfsmt crosscheck --rules {e.rules.name} {_relative(e.program)}"


def _relative(path: Path | None) -> Path | None:
    """As it is called from here."""
    here = Path.cwd()
    return path.relative_to(here) if path is not None and path.is_relative_to(here) else path


def _same_inputs(r: Result) -> tuple[Any, ...]:
    c = r.counterexample
    return (r.verdict, r.rule, c and (c.args, c.numbers))


def _verdict(r: Result) -> str:
    if r.verdict == "proved" and r.counterexample is not None:
        return "proved of synced operands, and false of others"
    return r.verdict


def _inputs(e: Exhibit, rule: str, c: Counterexample, parts: str = "") -> Iterator[str]:
    """A counterexample with the rule's own names, states as the kernel's log writes them."""
    params = e.rules.linked.rules[rule].params
    # Of an operation, each record's number comes in the order of the parameters.
    numbers = iter(c.numbers if c.value is not None else ())
    for (name, kind), arg in zip(params, c.args, strict=True):
        x = next(numbers, None)
        shown = _show(arg, kind)
        told = not isinstance(arg, tuple) or x is None or shown == _hex(x)
        yield f"{name} = {shown}" + ("" if told else f", which stands for {_hex(x or 0)}")
    yield f"{rule} gives {_show(c.result)}"
    if c.value is not None:
        yield f"but the operation gives {_hex(c.value)}, which is not in its {parts or c.part}"
    else:
        held = f" ({', '.join(map(_hex, c.numbers))})" if c.numbers else ""
        yield f"which is false for these numbers{held}: {parts or c.part}"


def _show(value: Any, kind: Any = None) -> str:
    if isinstance(value, Scalar):
        x = value.var_off.value
        if value in (const(x), const(x, subreg=False)):
            return _hex(x)
        return f"scalar({'' if value == UNKNOWN else format_scalar(value)})"
    if isinstance(value, Tnum):
        return f"({_hex(value.value)}; {_hex(value.mask)})"
    if isinstance(value, tuple):
        names = getattr(value, "_fields", ("",) * len(value))
        shown = (f"{n} {_show(v)}".strip() for n, v in zip(names, value, strict=True))
        return ", ".join(shown)
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value).lower()
    return _hex(value) if not isinstance(kind, Word) or not kind.signed else str(value)


def _hex(x: int) -> str:
    return hex(x) if abs(x) > 9 else str(x)


def _proved(e: Exhibit, seen: Seen) -> Iterator[str]:
    v = seen.verdict
    wrong = {r.rule for r in v.wrong if r.verdict == "refuted"}
    rest = [r for r in v.wrong if r.verdict == "proved" and r.counterexample is None]
    if rest:
        leaning = {u for r in rest for u in r.uses} & wrong
        given = f", given what is refuted of {', '.join(sorted(leaning))}" if leaning else ""
        yield f"all else about these rules, as they were: {len(rest)} obligations{given}"
    yield f"the rules as they are: {v.counts(fault=False)} in {v.corrected:.1f} s"


def _assembly(e: Exhibit) -> str:
    return e.program.read_text().rstrip() if e.program is not None else ""


def _replayed(e: Exhibit, seen: Seen) -> Iterator[str]:
    if seen.replay is None:
        return
    yield f"{e.rules.name}: {_verdict_of(seen.replay.wrong)}"
    for false in seen.replay.wrong.false[:1]:
        yield f"  the run refutes a claim: {false}"
    if seen.replay.wrong.fault:
        yield f"  the run ends in a fault: {seen.replay.wrong.fault}"
    yield f"{e.base.name}: {_verdict_of(seen.replay.right)}"
    if seen.replay.right.accepted and not seen.replay.right.wrong:
        yield "  the run is as it is claimed to be"


def _verdict_of(belief: Belief) -> str:
    v = belief.verdict
    return "accepted" if belief.accepted else f"rejected at {v.pc}: {v.reason}"
