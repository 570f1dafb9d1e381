"""The rules that are asked how much they say, and what each of them computes.

Every operation is on one or two sets of numbers and has one value for each pair of members
(or several, for a union).  The meanings are rules too, so they run on ints and on terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits import Rule, rule, u64
from bpfsmt.bits.types import RecordType, TupleType
from bpfsmt.domain.scalar import Scalar
from bpfsmt.prover.replay import SIDES
from bpfsmt.prover.theorems.meanings import CONDITIONS, OPS
from bpfsmt.rules.ruleset import RuleSet
from bpfsmt.semantics import alu


@rule
def first(x: u64, y: u64) -> u64:
    """x."""
    return x


@rule
def second(x: u64, y: u64) -> u64:
    """y."""
    return y


@rule
def same(x: u64, y: u64) -> bool:
    """x and y are one number."""
    return x == y


@rule
def apart64(x: u64, y: u64) -> bool:
    """No bit is in both."""
    return x & y == 0


@rule
def apart32(x: u64, y: u64) -> bool:
    """No bit of the low halves is in both."""
    return x & y & 0xFFFFFFFF == 0


@rule
def upper(x: u64, y: u64) -> u64:
    """x with its low half cleared."""
    return (x >> 32) << 32


@rule
def joined(x: u64, y: u64) -> u64:
    """The upper half of x and the lower of y."""
    return ((x >> 32) << 32) | (y & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A number made of x and y, or with ``swapped`` of y and x."""

    rule: Rule[..., Any]
    swapped: bool = False

    def ints(self, x: int, y: int) -> Any:
        """On ints."""
        return self.rule(y, x) if self.swapped else self.rule(x, y)

    def terms(self, x: Any, y: Any) -> Any:
        """On terms."""
        return self.rule.terms(y, x) if self.swapped else self.rule.terms(x, y)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the rule ``rule`` computes.

    ``operands`` says of each parameter what it is: "set" for a scalar or tnum that stands for
    numbers, "ends" for two words that are the ends of a range, "count" for a known number
    below ``below``, or the number that it is fixed to.  ``values`` are the numbers that the
    result stands for, of all pairs for which ``when`` holds.  ``side`` is which of two results
    is meant.  ``shape`` names the witnesses to try.
    """

    rule: str
    values: tuple[Meaning, ...]
    operands: tuple[str | int, ...]
    when: Meaning | None = None
    side: int | None = None
    below: int = 64
    shape: str = "corners"

    @property
    def name(self) -> str:
        """The rule, with what is fixed, and the side."""
        fixed = "".join(f"({o})" for o in self.operands if isinstance(o, int))
        counted = " by a known count" if "count" in self.operands else ""
        side = "" if self.side is None else f" {SIDES[self.side]}"
        return f"{self.rule}{fixed}{counted}{side}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of each operand that is not fixed: "set", "ends" or "count"."""
        return tuple(o for o in self.operands if isinstance(o, str))

    @property
    def sets(self) -> int:
        """How many operands are sets of numbers."""
        return sum(o in ("set", "ends") for o in self.operands)

    def possible(self, x: int, y: int) -> bool:
        """Whether the rule is applied where the operands are these numbers."""
        return self.when is None or bool(self.when.ints(x, y))


def _alu(name: str, swapped: bool = False) -> Meaning:
    return Meaning(getattr(alu, name), swapped)


_SHAPES = {"add": "sum", "sub": "difference", "div": "quotient", "sdiv": "quotient"}
_X, _Y = Meaning(first), Meaning(second)


def _on_tnums() -> Iterator[Operation]:
    two: tuple[str | int, ...] = ("set", "set")
    for op in ("add", "sub", "mul", "and", "or", "xor"):
        yield Operation(f"tnum_{op}", (_alu(f"{op}64"),), two)
    yield Operation("tnum_neg", (_alu("neg64"),), ("set",))
    for op, meaning in (("lshift", "lsh64"), ("rshift", "rsh64"), ("arshift", "arsh64")):
        yield Operation(f"tnum_{op}", (_alu(meaning),), ("set", "count"))
    yield Operation("tnum_arshift32", (_alu("arsh32"),), ("set", "count"), below=32)
    yield Operation("tnum_intersect", (_X,), two, Meaning(same), shape="shared")
    yield Operation("tnum_union", (_X, _Y), two)
    yield Operation("tnum_zext32", (_alu("mov32", True),), ("set",))
    for bits in (8, 16, 32):
        yield Operation("tnum_sext", (_alu(f"sext{bits}", True),), ("set", bits))
    yield Operation("tnum_clear_subreg", (Meaning(upper),), ("set",))
    yield Operation("tnum_with_subreg", (Meaning(joined),), two)
    yield Operation("tnum_range", (_X,), ("ends",))


def _on_scalars() -> Iterator[Operation]:
    for bits in (64, 32):
        for op in OPS:
            rule_ = f"alu{bits}_{op}"
            shift = op in ("lsh", "rsh", "arsh")
            operands = ("set", "count" if shift else "set")
            shape = _SHAPES.get(op, "corners")
            yield Operation(rule_, (_alu(f"{op}{bits}"),), operands, below=bits, shape=shape)
        yield Operation(f"alu{bits}_neg", (_alu(f"neg{bits}"),), ("set",), shape="negation")
    yield Operation("zext32", (_alu("mov32", True),), ("set",), shape="same")
    for bits in (8, 16, 32):
        meaning = (_alu(f"sext{bits}", True),)
        yield Operation("movsx64", meaning, ("set", bits), shape="same")
        if bits < 32:
            meaning = (_alu(f"sext{bits}_32", True),)
            yield Operation("movsx32", meaning, ("set", bits), shape="same")
    for bits in (64, 32):
        holds = {n: _alu(f"{jump}{bits}") for n, jump in CONDITIONS.items()}
        holds["nset"] = Meaning(apart64 if bits == 64 else apart32)
        for name, when in holds.items():
            for side, value in enumerate((_X, _Y)):
                rule_ = f"refine{bits}_{name}"
                two = ("set", "set")
                yield Operation(rule_, (value,), two, when, side, shape="same")


def operations(rules: RuleSet) -> list[Operation]:
    """The operations of which the rule set has the rule, with the parameters that are meant."""
    have = rules.linked.rules
    known = (*_on_tnums(), *_on_scalars())
    return [o for o in known if o.rule in have and fits(o, have[o.rule])]


def fits(operation: Operation, rule_: Rule[..., Any]) -> bool:
    """Whether the rule takes such operands and gives such a result."""
    words = sum(2 if o == "ends" else 1 for o in operation.operands)
    return len(rule_.params) == words and (
        isinstance(rule_.result, TupleType) == (operation.side is not None)
    )


def on_scalars(operation: Operation, rules: RuleSet) -> bool:
    """Whether the operands are scalars, and not tnums or words alone."""
    params = rules.linked.rules[operation.rule].params
    return any(isinstance(t, RecordType) and t.cls is Scalar for _, t in params)


def result_of(operation: Operation, result: Any) -> Any:
    """The result that is meant, of two."""
    return result if operation.side is None else result[operation.side]


def below(n: Any, limit: int) -> Any:
    """n < limit, as a term."""
    return z3.ULT(n, limit)
