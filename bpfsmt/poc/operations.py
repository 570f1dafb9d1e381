"""The operations that a program can perform, and which of them a wrong rule is part of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.poc.shapes import Builder, Register
from bpfsmt.prover.compose import contains
from bpfsmt.rules.ruleset import RuleSet
from bpfsmt.semantics import alu

Lines = tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """Registers after an operation: what is known of them and the number that each holds.

    ``decided`` is what the verifier says of the branch (1, 0 or -1) and ``holds`` whether
    it is taken, where that is the question.
    """

    registers: tuple[tuple[str, Any, Any], ...] = ()
    decided: Any = None
    holds: Any = None
    given: Any = True


@dataclass(frozen=True)
class Operation:
    """``lines`` on r6 and r7, and what comes of them; ``rule`` is the verifier's."""

    rule: str
    lines: Lines
    outcome: Callable[[Builder, Register, Register], Outcome]
    unary: bool = False

    def wrong(self, b: Builder, x: Register, y: Register) -> Any:
        """The condition, as a term, under which the verifier is wrong."""
        o = self.outcome(b, x, y)
        if o.decided is not None:
            taken, not_taken = o.decided == 1, o.decided == 0
            return z3.Or(z3.And(taken, z3.Not(o.holds)), z3.And(not_taken, o.holds))
        inside = [contains(known, number) for _, known, number in o.registers]
        return z3.And(o.given, z3.Not(z3.And(*inside)))


_SYMBOLS = {"add": "+=", "sub": "-=", "mul": "*=", "div": "/=", "mod": "%=", "and": "&=",
            "or": "|=", "xor": "^=", "lsh": "<<=", "rsh": ">>=", "arsh": "s>>=",
            "sdiv": "s/=", "smod": "s%="}  # fmt: skip
_JUMPS = {"eq": "==", "ne": "!=", "ult": "<", "ule": "<=", "slt": "s<", "sle": "s<=", "set": "&"}
_WIDTHS = ((64, "r"), (32, "w"))


def _arithmetic() -> Iterable[Operation]:
    for (op, symbol), (bits, letter) in itertools.product(_SYMBOLS.items(), _WIDTHS):
        meaning = getattr(alu, f"{op}{bits}")
        rule = f"alu{bits}_{op}"

        def outcome(
            b: Builder, x: Register, y: Register, rule: str = rule, meaning: Any = meaning
        ) -> Outcome:
            result = b.run(rule, x.known, y.known)
            return Outcome((("r6", result, b.means(meaning, x.number, y.number)),))

        yield Operation(rule, (f"{letter}6 {symbol} {letter}7",), outcome)


def _unary() -> Iterable[Operation]:
    def of(rule: str, line: str, meaning: Any, *more: int, swapped: bool = False) -> Operation:
        def outcome(b: Builder, x: Register, _: Register) -> Outcome:
            args = (0, x.number) if swapped else (x.number, 0)
            return Outcome((("r6", b.run(rule, x.known, *more), b.means(meaning, *args)),))

        return Operation(rule, (line,), outcome, unary=True)

    yield of("zext32", "w6 = w6", alu.mov32, swapped=True)
    for bits, letter in _WIDTHS:
        line = f"{letter}6 = -{letter}6"
        yield of(f"alu{bits}_neg", line, getattr(alu, f"neg{bits}"))
    for n in (8, 16, 32):
        yield of("movsx64", f"r6 = (s{n})r6", getattr(alu, f"sext{n}"), n, swapped=True)
    for n in (8, 16):
        yield of("movsx32", f"w6 = (s{n})w6", getattr(alu, f"sext{n}_32"), n, swapped=True)


def _jumps() -> Iterable[Operation]:
    """Where a condition holds, or where it does not, or what the verifier decides of it."""
    for (cond, symbol), (bits, letter) in itertools.product(_JUMPS.items(), _WIDTHS):
        condition = getattr(alu, f"j{cond.removeprefix('u')}{bits}")
        jump = f"if {letter}6 {symbol} {letter}7 goto"
        yield _refinement(cond, bits, condition, (f"{jump} +1", "goto out"))
        if cond == "set":
            yield _refinement("nset", bits, condition, (f"{jump} out",))
        if cond != "ne":
            yield _decision(cond, bits, condition, jump)


def _refinement(cond: str, bits: int, condition: Any, lines: Lines) -> Operation:
    rule = f"refine{bits}_{cond}"

    def outcome(b: Builder, x: Register, y: Register) -> Outcome:
        left, right = b.run(rule, x.known, y.known)
        holds = b.means(condition, x.number, y.number)
        if cond == "nset":
            holds = not holds if isinstance(holds, bool) else z3.Not(holds)
        return Outcome((("r6", left, x.number), ("r7", right, y.number)), given=holds)

    return Operation(rule, lines, outcome)


def _decision(cond: str, bits: int, condition: Any, jump: str) -> Operation:
    rule = f"taken{bits}_{cond}"

    def outcome(b: Builder, x: Register, y: Register) -> Outcome:
        decided = b.run(rule, x.known, y.known)
        return Outcome((), decided, b.means(condition, x.number, y.number))

    return Operation(rule, (jump,), outcome)


def operations(rules: RuleSet, rule: str) -> list[Operation]:
    """The operations whose rule is ``rule`` or comes to call it, the nearest first."""
    have = rules.linked.rules
    found = []
    for operation in (*_arithmetic(), *_unary(), *_jumps()):
        if operation.rule in have:
            depth = _distance(rules, operation.rule, rule)
            if depth is not None:
                found.append((depth, operation))
    return [op for _, op in sorted(found, key=lambda pair: pair[0])]


def _distance(rules: RuleSet, start: str, goal: str) -> int | None:
    """How many calls lead from one rule to another, or None."""
    have = rules.linked.rules
    level, seen, depth = {start}, {start}, 0
    while level:
        if goal in level:
            return depth
        level = {c for name in level for c in have[name].callees if c in have} - seen
        seen |= level
        depth += 1
    return None
