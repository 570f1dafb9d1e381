"""A rule's term built from what is proved of its callees, instead of from their texts.

Two ways to leave a callee out, so that each text is proved once and queries stay small:

- `Composition.contract`: a call returns a fresh record of which only the contract is known:
  it stands for the concrete result of the numbers that the arguments stand for.
- `Composition.skip`: a stage that keeps every member is left out where a rule ends with it,
  for what holds of its argument's members holds of its result's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.bits.types import RecordType, type_of
from bpfsmt.domain.gamma import scalar_contains, tnum_contains, tnum_well_formed
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.rules.ruleset import RuleSet

TNUM = type_of(Tnum)
SCALAR = type_of(Scalar)


def contains(r: Any, x: Any) -> Any:
    """x ∈ γ(r), as a term, for a scalar or a tnum."""
    return (scalar_contains if isinstance(r, Scalar) else tnum_contains).terms(r, x)


def well_formed(r: Any) -> Any:
    """The tnum of r has no bit both known and unknown."""
    return tnum_well_formed.terms(r.var_off if isinstance(r, Scalar) else r)


def parts_of_gamma(r: Any, x: Any) -> dict[str, Any]:
    """x ∈ γ(r) split into what each part of r says, and that r is well-formed."""
    if isinstance(r, Tnum):
        return {"tnum": contains(r, x), "form": well_formed(r)}
    low = z3.Extract(31, 0, x)
    return {
        "tnum": contains(r.var_off, x),
        "u64": z3.And(z3.ULE(r.umin, x), z3.ULE(x, r.umax)),
        "s64": z3.And(r.smin <= x, x <= r.smax),
        "u32": z3.And(z3.ULE(r.u32min, low), z3.ULE(low, r.u32max)),
        "s32": z3.And(r.s32min <= low, low <= r.s32max),
        "form": well_formed(r),
    }


class Composition:
    """One rule set's terms, with some callees left out.

    ``given`` collects what may be assumed: that each operand stands for its number, and
    what the contracts promise.
    """

    def __init__(self, rules: RuleSet) -> None:
        self.given: list[Any] = []
        self._terms: dict[str, Any] = {}
        for name, rule in rules.linked.rules.items():
            self._terms[name] = terms.define(rule.compiled, self._terms)
        self._rules = rules.linked.rules
        # A record's leaves -> the number it stands for (`given` keeps the terms, so ids, alive).
        self._member: dict[tuple[int, ...], Any] = {}
        # A leaf of a skipped stage's result (kept alive here) -> the same leaf of its argument.
        self._skipped: dict[int, tuple[Any, Any]] = {}
        self._fresh = 0

    def operand(self, name: str, x: Any, type_: Any = SCALAR) -> Any:
        """A fresh well-formed scalar (or tnum) that stands, among others, for ``x``."""
        r = terms.fresh(type_, name)
        self.given += [well_formed(r), contains(r, x)]
        self._member[_ids(r)] = x
        if isinstance(r, Scalar):
            self._member[_ids(r.var_off)] = x
        return r

    def contract(self, name: str, meaning: Callable[..., Any]) -> None:
        """Of the rule ``name`` know only: its result stands for ``meaning`` of the members.

        ``meaning`` takes one number per argument: the member of a record, or the argument
        itself if it is a word.  Calling it on a record that is neither an operand nor a
        contract's result is a `ValueError`.
        """
        result = self._rules[name].result
        assert isinstance(result, RecordType)

        def call(*args: Any) -> Any:
            self._fresh += 1
            numbers = (self._number(name, a) if isinstance(a, tuple) else a for a in args)
            return self.operand(f"{name}!{self._fresh}", meaning(*numbers), result)

        self._terms[name] = call

    def skip(self, name: str) -> None:
        """Leave out the stage ``name`` (scalar to scalar) where a rule's result comes from it."""

        def call(r: Any) -> Any:
            self._fresh += 1
            after = terms.fresh(SCALAR, f"{name}!{self._fresh}")
            self._skipped |= {
                x.get_id(): (x, y) for x, y in zip(_leaves(after), _leaves(r), strict=True)
            }
            return after

        self._terms[name] = call

    def run(self, name: str, *args: Any) -> Any:
        """The rule's result; `ValueError` if it uses a skipped stage other than at its end."""
        return self._resolve(self._terms[name](*args))

    def _number(self, name: str, r: Any) -> Any:
        if _ids(r) not in self._member:
            raise ValueError(f"{name} is called on a record of which no member is known: {r}")
        return self._member[_ids(r)]

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, tuple):
            parts = [self._resolve(v) for v in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if value.get_id() in self._skipped:
            return self._resolve(self._skipped[value.get_id()][1])
        if z3.is_app_of(value, z3.Z3_OP_ITE):
            cond, then, other = value.children()
            self._free_of_stages(cond)
            return z3.If(cond, self._resolve(then), self._resolve(other))
        self._free_of_stages(value)
        return value

    def _free_of_stages(self, term: Any) -> None:
        if any(x.get_id() in self._skipped for x in _variables(term)):
            raise ValueError(f"a skipped stage's result is used inside: {term}")


def _leaves(r: Any) -> list[Any]:
    return [leaf for part in r for leaf in _leaves(part)] if isinstance(r, tuple) else [r]


def _ids(r: Any) -> tuple[int, ...]:
    return tuple(leaf.get_id() for leaf in _leaves(r))


def _variables(term: Any) -> list[Any]:
    seen: set[int] = set()
    found, pending = [], [term]
    while pending:
        t = pending.pop()
        if t.get_id() not in seen:
            seen.add(t.get_id())
            pending += t.children()
            if z3.is_const(t) and t.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                found.append(t)
    return found
