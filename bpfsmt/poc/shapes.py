"""Shapes: short sequences of instructions that give an unknown number bounds.

Each is built from the rule set's own rules, as terms, so that what the solver reasons about
is what the verifier will compute.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.bits import Rule, terms
from bpfsmt.domain.scalar import UNKNOWN, Scalar, const
from bpfsmt.prover.compose import SCALAR
from bpfsmt.rules.ruleset import RuleSet
from bpfsmt.semantics import alu


@dataclass(frozen=True)
class Register:
    """A register while shapes are applied: what is known of it, its number, the conditions."""

    known: Scalar
    number: Any
    given: tuple[Any, ...] = ()


Apply = Callable[["Builder", Register, Any], Register]


@dataclass(frozen=True)
class Move:
    """A kind of step: its text with REG and K, and what it makes of a register.

    K is an immediate, and ``below`` a limit where there is one.
    """

    text: str
    apply: Apply
    below: int | None = None

    def takes(self, k: int) -> bool:
        """Whether ``k``, an immediate as a 64-bit number, can be its constant."""
        return self.below is None or k < self.below


class Builder:
    """The rule set's rules on terms, and constants as its verifier knows them."""

    def __init__(self, rules: RuleSet, synced: bool) -> None:
        """Without ``synced``, `sync` is left out of every rule: much smaller terms.

        The verifier then knows a little more than the terms say, which is found out when
        the program is verified.
        """
        self.tracks32 = "bounds32_from_tnum" in rules.linked.rules
        self._calls: dict[str, Any] = {}
        for name, rule in rules.linked.rules.items():
            self._calls[name] = terms.define(rule.compiled, self._calls)
        if not synced:
            self._calls["sync"] = lambda r: r

    def run(self, rule: str, *args: Any) -> Any:
        """What the verifier's rule makes of the arguments."""
        return self._calls[rule](*args)

    def means(self, rule: Rule[..., Any], *args: Any) -> Any:
        """What the machine makes of numbers."""
        return rule.terms(*args)

    def low(self, k: Any) -> Any:
        """The low half of a number, zero-extended."""
        return z3.ZeroExt(32, z3.Extract(31, 0, k))

    def constant(self, k: Any) -> Scalar:
        """A register that is known to be ``k``."""
        low = z3.Extract(31, 0, k)
        wide: Scalar = terms.lift(SCALAR, UNKNOWN)
        tnum = type(wide.var_off)(k, z3.BitVecVal(0, 64))
        known = wide._replace(var_off=tnum, umin=k, umax=k, smin=k, smax=k)
        if not self.tracks32:
            return known
        return known._replace(u32min=low, u32max=low, s32min=low, s32max=low)

    @functools.cache  # noqa: B019  a builder lives as long as one search
    def shaped(self, number: str, moves: tuple[Move, ...]) -> tuple[Register, list[Any]]:
        """A register of an unknown number after the moves, and the constant of each."""
        start = Register(terms.lift(SCALAR, UNKNOWN), z3.BitVec(number, 64))
        constants = []
        for i, move in enumerate(moves):
            k = z3.BitVec(f"{number}k{i}", 64)
            fits = [k == z3.SignExt(32, z3.Extract(31, 0, k))]  # an immediate
            if move.below is not None:
                fits.append(z3.ULT(k, move.below))
            start = move.apply(self, start, k)
            start = Register(start.known, start.number, (*start.given, *fits))
            constants.append(k)
        return start, constants


class Numbers(Builder):
    """The same on numbers: what the verifier will know, and what the machine will hold."""

    def __init__(self, rules: RuleSet) -> None:
        super().__init__(rules, synced=True)
        self._ints = rules.linked.ints

    def run(self, rule: str, *args: Any) -> Any:
        """What the verifier's rule makes of the numbers."""
        return self._ints[rule](*args)

    def means(self, rule: Rule[..., Any], *args: Any) -> Any:
        """What the machine makes of numbers."""
        return rule(*args)

    def low(self, k: int) -> int:
        """The low half."""
        return k & 0xFFFF_FFFF

    def constant(self, k: int) -> Scalar:
        """A register that is known to be ``k``."""
        return const(k, subreg=self.tracks32)

    def follow(self, number: int, moves: Sequence[Move], constants: Sequence[int]) -> Register:
        """A register that holds ``number``, of which nothing is known, after the moves."""
        r = Register(UNKNOWN, number)
        for move, k in zip(moves, constants, strict=True):
            r = move.apply(self, r, k)
        return r


def _compute(op: str, bits: int) -> Move:
    meaning = getattr(alu, f"{op}{bits}")
    symbol = {"and": "&=", "or": "|=", "add": "+=", "lsh": "<<=", "rsh": ">>=", "arsh": "s>>=",
              "xor": "^=", "sub": "-=", "mul": "*="}[op]  # fmt: skip
    below = bits if op in ("lsh", "rsh", "arsh") else None

    def apply(b: Builder, r: Register, k: Any) -> Register:
        # A w instruction's immediate is not sign-extended.
        operand = k if bits == 64 else b.low(k)
        known = b.run(f"alu{bits}_{op}", r.known, b.constant(operand))
        return Register(known, b.means(meaning, r.number, k), r.given)

    return Move(f"{'r' if bits == 64 else 'w'}REG {symbol} K", apply, below)


# The jump that leaves if the condition does not hold, so that it holds behind it.
_LEAVES = {"ule": ">", "ult": ">=", "sle": "s>", "slt": "s>=", "ne": "==", "eq": "!="}
_ABOVE = {"ule": "<", "ult": "<=", "sle": "s<", "slt": "s<="}


def _bound(cond: str, bits: int, below: bool) -> Move:
    condition = getattr(alu, f"j{cond.removeprefix('u')}{bits}")
    jump = (_LEAVES if below else _ABOVE)[cond]

    def apply(b: Builder, r: Register, k: Any) -> Register:
        constant = b.constant(k if bits == 64 else b.low(k))
        if below:
            known = b.run(f"refine{bits}_{cond}", r.known, constant)[0]
            holds = b.means(condition, r.number, k)
        else:
            known = b.run(f"refine{bits}_{cond}", constant, r.known)[1]
            holds = b.means(condition, k, r.number)
        return Register(known, r.number, (*r.given, holds))

    return Move(f"if {'r' if bits == 64 else 'w'}REG {jump} K goto out", apply)


def _zext() -> Move:
    def apply(b: Builder, r: Register, k: Any) -> Register:
        number = b.means(alu.mov32, 0, r.number)
        return Register(b.run("zext32", r.known), number, r.given)

    return Move("wREG = wREG", apply, below=1)


def _set() -> Move:
    def apply(b: Builder, r: Register, k: Any) -> Register:
        return Register(b.constant(k), k, r.given)

    return Move("rREG = K", apply)


SET = _set()
AND, OR, ADD = _compute("and", 64), _compute("or", 64), _compute("add", 64)
LSH, RSH, ARSH = _compute("lsh", 64), _compute("rsh", 64), _compute("arsh", 64)
ULE, UGE = _bound("ule", 64, True), _bound("ule", 64, False)
SLE, SGE = _bound("sle", 64, True), _bound("sle", 64, False)
ULE32, UGE32 = _bound("ule", 32, True), _bound("ule", 32, False)
SLE32, SGE32 = _bound("sle", 32, True), _bound("sle", 32, False)
ZEXT, NE, NE32 = _zext(), _bound("ne", 64, True), _bound("ne", 32, True)

SHAPES: tuple[tuple[Move, ...], ...] = (
    (), (SET,), (AND,), (ULE,), (UGE,), (SLE,), (SGE,), (AND, OR), (UGE, ULE), (SGE, SLE), (ULE32,),
    (UGE32,), (SLE32,), (SGE32,), (SGE32, SLE32), (UGE32, ULE32), (ZEXT,), (OR,), (AND, ADD),
    (ARSH,), (RSH,), (LSH,), (RSH, LSH), (LSH, OR), (ULE, SGE32), (SLE, SGE32), (ULE, UGE32),
    (UGE, ULE32), (AND, LSH), (ULE, UGE, SGE32), (AND, OR, ADD), (SGE, SLE, AND), (NE,), (NE32,),
    (ULE, LSH), (AND, ULE), (LSH, ARSH), (UGE, ULE, SGE32), (SGE, ULE32), (UGE, ULE, ULE32),
    (AND, ADD, ADD), (SET, LSH), (SET, LSH, OR), (LSH, OR, NE),
)  # fmt: skip
"""What is tried on an operand, the simplest first."""
