"""A supposed counterexample, run on ints: the rule runs, γ is evaluated, nothing is solved."""

from __future__ import annotations

from typing import Any

import z3

from bpfsmt.bits import Rule
from bpfsmt.bits.words import Word
from bpfsmt.domain.gamma import scalar_contains, tnum_contains, tnum_well_formed
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum
from bpfsmt.prover.contract import Contract, Meaning, Meant
from bpfsmt.prover.obligation import Counterexample
from bpfsmt.rules.ruleset import RuleSet

SIDES = ("left", "right")
"""What the two results of a rule are called in the names of its obligations."""

_FIELDS = {
    "tnum": ("var_off",),
    "u64": ("umin", "umax"),
    "s64": ("smin", "smax"),
    "u32": ("u32min", "u32max"),
    "s32": ("s32min", "s32max"),
}


def part_holds(r: Any, part: str, x: int) -> bool:
    """Whether x is in γ of one part of a scalar or tnum of ints, or for "form" its form."""
    if part == "form":
        return tnum_well_formed(r.var_off if isinstance(r, Scalar) else r)
    if isinstance(r, Tnum):
        return tnum_contains(r, x)
    return scalar_contains(UNKNOWN._replace(**{f: getattr(r, f) for f in _FIELDS[part]}), x)


def stands_for(r: Any, x: int) -> bool:
    """x ∈ γ(r), and r is well-formed, on ints."""
    if isinstance(r, Tnum):
        return tnum_well_formed(r) and tnum_contains(r, x)
    return tnum_well_formed(r.var_off) and scalar_contains(r, x)


def check_on_ints(
    rules: RuleSet, contract: Contract, part: str, args: tuple[Any, ...], numbers: tuple[int, ...]
) -> Counterexample | None:
    """A counterexample if the arguments stand for the numbers and ``part`` misses the value."""
    rule = rules.linked.rules[contract.rule]
    if not promised(rule, contract, args, numbers):
        return None
    result = rules.linked.ints[contract.rule](*args)
    r, value, name = result, _meant(rule, contract.meaning, numbers), part
    if isinstance(value, tuple):
        side, name = part.split("/")
        r, value = r[SIDES.index(side)], value[SIDES.index(side)]
    if part_holds(r, name, value):
        return None
    return Counterexample(contract.rule, part, args, numbers, result, value)


def promised(
    rule: Rule[..., Any], contract: Contract, args: tuple[Any, ...], numbers: tuple[int, ...]
) -> bool:
    """Whether the contract promises anything: records stand for their numbers, ``when`` holds."""
    pairs = zip(args, numbers, strict=False)  # a free number has no argument
    if not all(stands_for(a, n) for a, n in pairs if isinstance(a, tuple)):
        return False
    return contract.when is None or _meant(rule, contract.when, numbers)


def _meant(rule: Rule[..., Any], meaning: Meaning, numbers: tuple[int, ...]) -> Any:
    """What a meaning says of the rule's numbers, as an int, a truth value, or a tuple of them."""
    if isinstance(meaning, Meant):
        return meaning.ints(*numbers)
    found = meaning(*(z3.BitVecVal(n, _bits(rule, i)) for i, n in enumerate(numbers)))
    return tuple(map(_folded, found)) if isinstance(found, tuple) else _folded(found)


def _folded(term: Any) -> Any:
    value = z3.simplify(term)
    return value.as_long() if z3.is_bv_value(value) else z3.is_true(value)


def _bits(rule: Rule[..., Any], i: int) -> int:
    type_ = rule.params[i][1] if i < len(rule.params) else None
    return type_.bits if isinstance(type_, Word) else 64
