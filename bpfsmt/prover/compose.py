"""A rule's term built from what is proved of its callees, instead of from their texts.

Where a rule calls another that has a contract, its result is

- a fresh record of which only the contract is known, if the arguments' numbers are known (of
  a rule that returns words: fresh ones and their `facts`);
- otherwise, for a stage (scalar to scalar) at a rule's end, its argument: what is in γ of
  the argument and stands for itself under the stage's meaning is in γ of the result;
- otherwise the callee's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

import z3

from bpfsmt.bits import terms
from bpfsmt.bits.terms import leaves
from bpfsmt.bits.types import RecordType, type_of
from bpfsmt.domain.gamma import scalar_contains, tnum_contains, tnum_well_formed
from bpfsmt.domain.scalar import Scalar, Tnum
from bpfsmt.prover.contract import Contract
from bpfsmt.prover.facts import FACTS, Fact
from bpfsmt.prover.mentions import variables
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


class _Made(dict[str, Callable[..., Any]]):
    """Functions by name, each made when it is first called for."""

    def __init__(self, make: Callable[[str], Callable[..., Any]]) -> None:
        self._make = make

    def __missing__(self, name: str) -> Callable[..., Any]:
        made = self[name] = self._make(name)
        return made


class Composition:
    """One rule set's terms, with callees known by their contracts only.

    ``given`` collects what may be assumed, a list of small conjuncts: that each operand
    stands for its number, and what the contracts promise.  ``uses`` has the names of the
    rules whose contracts were relied on, ``stages`` those left out at the end, ``beyond`` those
    that were relied on for records that may not be synced: neither operands nor what a rule
    that ``settles`` returns.  With no
    ``contracts`` every callee is its text.  Of the rules in ``read`` both are known, text
    and contract.  ``reads`` has the names of the rules whose texts went into the terms: what
    is proved of these stays proved whatever the other rules say.
    """

    def __init__(
        self,
        rules: RuleSet,
        contracts: Mapping[str, Contract] | None = None,
        prefix: str = "",
        read: Container[str] = (),
    ) -> None:
        self.given: list[Any] = []
        self.uses: set[str] = set()
        self.stages: set[str] = set()
        self.beyond: set[str] = set()
        self._settled: set[tuple[int, ...]] = set()
        self.reads: set[str] = set()
        self.rules = rules
        self._rules = rules.linked.rules
        self._read = read
        self._contracts = contracts or {}
        self._texts = _Made(self._text)
        self.calls = _Made(self._call)
        # A record's leaves -> the number it stands for (`given` keeps the terms, so ids, alive).
        self._member: dict[tuple[int, ...], Any] = {}
        # A leaf of a skipped stage's result (kept alive here) -> the same leaf of its argument.
        self._skipped: dict[int, tuple[Any, Any]] = {}
        self._fresh = 0
        self._prefix = prefix  # two compositions in one formula need different names

    def _text(self, name: str) -> Callable[..., Any]:
        text = terms.define(self._rules[name].compiled, self.calls)

        def call(*args: Any) -> Any:
            self.reads.add(name)
            return text(*args)

        return call

    def _call(self, name: str) -> Callable[..., Any]:
        """What stands where the rule is called."""
        if self._contracts and name in FACTS:
            return self._told(FACTS[name])
        contract = self._contracts.get(name)
        return self._promised(name, contract) if contract else self._texts[name]

    def operand(self, name: str, x: Any, type_: Any = SCALAR) -> Any:
        """A fresh well-formed scalar (or tnum) that stands, among others, for ``x``."""
        r = terms.fresh(type_, name)
        self.given += parts_of_gamma(r, x).values()
        self._know(r, x)
        self._settled.add(ids(r))
        return r

    def register(self, name: str, x: Any = None) -> Any:
        """A scalar as the text of `sync` returns it; if it stands for x, it did so before, too."""
        if x is None:
            r = terms.fresh(SCALAR, name)
            self.given.append(well_formed(r))
            return self.run("sync", r)
        r = self.run("sync", self.operand(name, x))
        self.given += parts_of_gamma(r, x).values()
        return r

    def run(self, name: str, *args: Any) -> Any:
        """The rule's own text on these arguments.

        `ValueError` if it uses a skipped stage's result other than at its end.
        """
        return self._resolve(self._texts[name](*args))

    def _know(self, r: Any, x: Any) -> None:
        self._member[ids(r)] = x
        if isinstance(r, Scalar):
            self._member[ids(r.var_off)] = x

    def _number(self, r: Any) -> Any:
        """The number that a record stands for, also if the record is a choice of two; or None."""
        known = self._member.get(ids(r))
        parts = leaves(r)
        if known is not None or not all(z3.is_app_of(x, z3.Z3_OP_ITE) for x in parts):
            return known
        conds = [x.arg(0) for x in parts]
        if not all(c.eq(conds[0]) for c in conds):
            return None
        sides = [self._number(_side(r, k)) for k in (1, 2)]
        return None if any(s is None for s in sides) else z3.If(conds[0], *sides)

    def _promised(self, name: str, contract: Contract) -> Callable[..., Any]:
        rule = self._rules[name]

        def call(*args: Any) -> Any:
            args = tuple(terms.lift(t, a) for (_, t), a in zip(rule.params, args, strict=True))
            numbers = [self._number(a) if isinstance(a, tuple) else a for a in args]
            self._note(name, args)
            if not contract.free and all(n is not None for n in numbers):
                return self._instance(name, contract, numbers, args)
            if name in self._read:
                return self._texts[name](*args)
            if contract.stage and [t for _, t in rule.params] == [SCALAR] == [rule.result]:
                return self._skip(name, args[0])
            return self._texts[name](*args)

        return call

    def _note(self, name: str, args: Iterable[Any]) -> None:
        """Whether the rule is called on what may not be synced, though operands are."""
        if not all(ids(a) in self._settled for a in args if isinstance(a, Scalar)):
            self.beyond.add(name)

    def _told(self, fact: Fact) -> Callable[..., Any]:
        rule = self._rules[fact.rule]

        def call(*args: Any) -> Any:
            named = dict(zip((n for n, _ in rule.params), args, strict=True))
            numbers = {m: self._number(named[n]) for n, m in fact.members.items()}
            if any(number is None for number in numbers.values()):
                return self._texts[fact.rule](*args)
            self.uses.add(fact.rule)
            self._note(fact.rule, args)
            if fact.read:
                result = self._texts[fact.rule](*args)
            else:
                self._fresh += 1
                result = terms.fresh(rule.result, f"{self._prefix}{fact.rule}!{self._fresh}")
            self.given.append(fact.holds({**named, **numbers}, result))
            return result

        return call

    def _instance(
        self, name: str, contract: Contract, numbers: list[Any], args: tuple[Any, ...]
    ) -> Any:
        """A fresh result, of which the contract is known."""
        self.uses.add(name)
        result = self._rules[name].result
        means = contract.meaning(*numbers)
        several = isinstance(means, tuple)
        types = result.items if several else (result,)  # type: ignore[union-attr]
        self._fresh += 1
        made = []
        for i, (type_, z) in enumerate(zip(types, means if several else (means,), strict=True)):
            assert isinstance(type_, RecordType)
            if name in self._read:
                text = self._texts[name](*args)
                r = text[i] if several else text
            else:
                r = terms.fresh(type_, f"{self._prefix}{name}!{self._fresh}.{i}")
            known = parts_of_gamma(r, z).values()
            if contract.when is not None:
                condition = contract.when(*numbers)
                known = [z3.Implies(condition, k) for k in known]  # type: ignore[assignment]
            self.given += known
            self._know(r, z)
            if contract.settles:
                self._settled.add(ids(r))
            made.append(r)
        return tuple(made) if several else made[0]

    def _skip(self, name: str, r: Any) -> Any:
        self.stages.add(name)
        self._fresh += 1
        after = terms.fresh(SCALAR, f"{self._prefix}{name}!{self._fresh}")
        self._skipped |= {x.get_id(): (x, y) for x, y in zip(leaves(after), leaves(r), strict=True)}
        return after

    def _resolve(self, value: Any) -> Any:
        """``value`` with what was skipped replaced by what it was skipped on."""
        if not self._skipped:
            return value
        if isinstance(value, tuple):
            parts = [self._resolve(v) for v in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if value.get_id() in self._skipped:
            return self._resolve(self._skipped[value.get_id()][1])
        if z3.is_app_of(value, z3.Z3_OP_ITE) and self._mentions_skipped(value):
            cond, then, other = value.children()
            self._free_of_stages(cond)
            return z3.If(cond, self._resolve(then), self._resolve(other))
        self._free_of_stages(value)
        return value

    def _mentions_skipped(self, term: Any) -> bool:
        return not self._skipped.keys().isdisjoint(variables(term))

    def _free_of_stages(self, term: Any) -> None:
        if self._mentions_skipped(term):
            raise ValueError(f"a skipped stage's result is used inside: {term}")


def _side(r: Any, k: int) -> Any:
    if isinstance(r, tuple):
        return type(r)(*(_side(x, k) for x in r))
    return r.arg(k)


def alternatives(r: Any, most: int = 16) -> list[Any]:
    """The records that a record is a choice of, whichever it is; itself if it is none.

    Where several of its leaves depend on one condition, that is a choice.
    """
    conds = [x.arg(0) for x in leaves(r) if z3.is_app_of(x, z3.Z3_OP_ITE)]
    cond = next((c for c in conds if sum(c.eq(d) for d in conds) > 2), None)
    if cond is None or most < 2:
        return [r]
    return [a for k in (1, 2) for a in alternatives(_chosen(r, cond, k), most // 2)]


def _chosen(r: Any, cond: Any, k: int) -> Any:
    if isinstance(r, tuple):
        return type(r)(*(_chosen(x, cond, k) for x in r))
    return r.arg(k) if z3.is_app_of(r, z3.Z3_OP_ITE) and r.arg(0).eq(cond) else r


def ids(r: Any) -> tuple[int, ...]:
    """What tells a record from others, as long as its terms are kept."""
    return tuple(leaf.get_id() for leaf in leaves(r))
