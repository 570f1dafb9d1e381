"""The meanings of operations as functions of terms, from the rules of `bpfsmt.semantics.alu`."""

from __future__ import annotations

from typing import Any

import z3

from bpfsmt.bits import Rule
from bpfsmt.prover.contract import Meaning, Meant
from bpfsmt.semantics import alu

OPS = ("add", "sub", "mul", "div", "mod", "sdiv", "smod", "and", "or", "xor", "lsh", "rsh", "arsh")
CONDITIONS = {"eq": "jeq", "ne": "jne", "ult": "jlt", "ule": "jle", "slt": "jslt", "sle": "jsle",
              "set": "jset"}  # fmt: skip


def binary(name: str) -> Meaning:
    """The operation ``name`` (as `alu` calls it) of dst and src."""
    rule: Rule[..., Any] = getattr(alu, name)
    return Meant(rule.terms, rule)


def unary(name: str, reads: str = "dst") -> Meaning:
    """An operation that reads one of its operands only."""
    rule: Rule[..., Any] = getattr(alu, name)
    if reads == "dst":
        return Meant(lambda x: rule.terms(x, 0), lambda x: rule(x, 0))
    return Meant(lambda x: rule.terms(0, x), lambda x: rule(0, x))


def condition(name: str, bits: int) -> Meaning:
    """A jump's condition: one of `CONDITIONS`, or "nset"."""
    if name == "nset":
        rule: Rule[..., Any] = getattr(alu, f"jset{bits}")
        return Meant(lambda x, y: z3.Not(rule.terms(x, y)), lambda x, y: not rule(x, y))
    return binary(f"{CONDITIONS[name]}{bits}")


identity = Meant(lambda x: x, lambda x: x)
"""What a stage that loses no member means."""

mov32 = unary("mov32", "src")


def sign_extended(x: Any, bits: Any) -> Any:
    """The low ``bits`` of x, sign-extended."""
    up = 64 - bits
    return (x << up) >> up


def zero_extended(x: Any, bits: Any) -> Any:
    """The low ``bits`` of x, zero-extended."""
    up = 64 - bits
    return z3.LShR(x << up, up)
