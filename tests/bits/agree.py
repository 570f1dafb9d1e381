"""Do a rule's two compilations agree?  One term per rule, many inputs."""

from __future__ import annotations

import os
import random
from typing import Any

import z3

from bpfsmt.bits import Rule
from bpfsmt.bits.rule import LinkedRules
from bpfsmt.bits.terms import define, fresh, lift
from bpfsmt.bits.types import Bool, RecordType, TupleType, Type
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import Scalar, Tnum

COUNT = int(os.environ.get("BPFSMT_AGREE", "150"))
"""Inputs per rule that calls no others on scalars; ``BPFSMT_AGREE=10000`` for a long run."""


def leaves(type_: Type, value: Any) -> list[tuple[Type, Any]]:
    """The words and truth values that a value of some type is made of, in order."""
    if isinstance(type_, RecordType):
        return [x for (_, t), v in zip(type_.fields, value, strict=True) for x in leaves(t, v)]
    if isinstance(type_, TupleType):
        return [x for t, v in zip(type_.items, value, strict=True) for x in leaves(t, v)]
    return [(type_, value)]


def packed_int(type_: Type, value: Any) -> int:
    """All leaves in one number, the first on top; a leaf outside its type is an error."""
    number = 0
    for t, x in leaves(type_, value):
        bits = t.bits if isinstance(t, Word) else 1
        assert x in t if isinstance(t, Word) else isinstance(x, bool), (x, t)
        number = number << bits | (x & ((1 << bits) - 1))
    return number


def packed_term(type_: Type, term: Any) -> Any:
    """The same of terms."""
    parts = [
        z3.If(x, z3.BitVecVal(1, 1), z3.BitVecVal(0, 1)) if isinstance(t, Bool) else x
        for t, x in leaves(type_, term)
    ]
    return z3.Concat(*parts) if len(parts) > 1 else parts[0]


def unpacked_int(type_: Type, number: int) -> Any:
    """The value that `packed_int` packed."""
    if isinstance(type_, Word):
        return type_(number)
    if isinstance(type_, Bool):
        return bool(number)
    parts = [t for _, t in type_.fields] if isinstance(type_, RecordType) else type_.items
    values = []
    for t in reversed(parts):
        values.append(unpacked_int(t, number & ((1 << width(t)) - 1)))
        number >>= width(t)
    values.reverse()
    return type_.cls(*values) if isinstance(type_, RecordType) else tuple(values)


def width(type_: Type) -> int:
    """How many bits `packed_int` uses for a value of the type."""
    if isinstance(type_, Word | Bool):
        return type_.bits if isinstance(type_, Word) else 1
    parts = [t for _, t in type_.fields] if isinstance(type_, RecordType) else type_.items
    return sum(map(width, parts))


class Agreement:
    """One rule as a set links it; `check` compares its two compilations on one input.

    The term is built once, on unknowns, and each input put into it.  Calls of rules on
    scalars stay unknowns of their own, to which each input gives what the callee's ints
    say: callees have their own agreement, and terms stay small.  `check_directly` builds
    the whole term on the numbers, callees included, with branches that fold on the way.
    """

    def __init__(self, rule: Rule[..., Any], linked: LinkedRules | None = None) -> None:
        linked = linked or rule.alone
        self.rule = rule
        self.ints = linked.ints
        self._whole = linked.terms[rule.name]
        self._calls: list[tuple[Rule[..., Any], Any, list[Any]]] = []
        namespace: dict[str, Any] = {}
        for name, r in linked.rules.items():
            stub = name != rule.name and any(
                isinstance(t, RecordType) and t.cls is Scalar for _, t in r.params
            )
            namespace[name] = self._stub(r) if stub else define(r.compiled, namespace)
        unknowns = tuple(fresh(t, n) for n, t in rule.params)
        self._type = TupleType(tuple(t for _, t in rule.params))
        self._unknowns = [x for _, x in leaves(self._type, unknowns)]
        self._term = packed_term(rule.result, namespace[rule.name](*unknowns))

    @property
    def inputs(self) -> int:
        """How many inputs it deserves: fewer if it mostly composes callees, tried themselves."""
        return max(COUNT // (1 + len(self._calls)), COUNT // 6)

    def _stub(self, r: Rule[..., Any]) -> Any:
        types = TupleType(tuple(t for _, t in r.params))

        def call(*args: Any) -> Any:
            lifted = tuple(lift(t, a) for t, a in zip(types.items, args, strict=True))
            result = fresh(r.result, f"{r.name}!{len(self._calls)}")
            unknowns = [x for _, x in leaves(r.result, result)]
            self._calls.append((r, packed_term(types, lifted), unknowns))
            return result

        return call

    def check(self, *args: Any) -> None:
        """Both give the same on these arguments."""
        known = list(zip(self._unknowns, _numbers(self._type, args), strict=True))
        for callee, packed, unknowns in self._calls:
            types = TupleType(tuple(t for _, t in callee.params))
            called = unpacked_int(types, self._value(z3.substitute(packed, *known), args))
            result = self.ints[callee.name](*called)
            known += zip(unknowns, _numbers(callee.result, result), strict=True)
        self._compare(args, z3.substitute(self._term, *known))

    def check_directly(self, *args: Any) -> None:
        """The same, with the whole term built on the numbers themselves."""
        self._compare(args, packed_term(self.rule.result, self._whole(*args)))

    def _compare(self, args: tuple[Any, ...], term: Any) -> None:
        expected = packed_int(self.rule.result, self.ints[self.rule.name](*args))
        assert self._value(term, args) == expected, f"{self.rule.name}{args} differs"

    def _value(self, term: Any, args: tuple[Any, ...]) -> int:
        found = z3.simplify(term)
        assert z3.is_bv_value(found), f"{self.rule.name}{args}: the term stays open"
        number: int = found.as_long()
        return number


def _numbers(type_: Type, value: Any) -> list[Any]:
    return [lift(t, x) for t, x in leaves(type_, value)]


def both(rule: Rule[..., Any], *args: Any) -> Any:
    """The result, after a check that both compilations give it."""
    a = Agreement(rule)
    a.check(*args)
    a.check_directly(*args)
    return rule(*args)


def some_word(rng: random.Random, type_: Word) -> int:
    """A number of the type: near an end or a power of two, small, or anything."""
    near = rng.choice([0, 0, type_.min, type_.max, 1 << rng.randrange(type_.bits)])
    near = rng.choice([near, near, rng.getrandbits(type_.bits), rng.randrange(70)])
    return type_(near + rng.choice([-2, -1, 0, 0, 1, 2]))


def some_tnum(rng: random.Random) -> Tnum:
    """A well-formed tnum."""
    word = Word(64, signed=False)
    mask = some_word(rng, word) & rng.choice([some_word(rng, word), word.max])
    mask = rng.choice([mask, mask, 0, word.max])
    return Tnum(some_word(rng, word) & ~mask, mask)


def some(rng: random.Random, type_: Type) -> Any:
    """A value of the type; tnums are well-formed, ranges may be empty."""
    if isinstance(type_, Word):
        return some_word(rng, type_)
    if isinstance(type_, Bool):
        return rng.random() < 0.5
    if isinstance(type_, TupleType):
        return tuple(some(rng, t) for t in type_.items)
    if type_.cls is Tnum:
        return some_tnum(rng)
    made = type_.cls(*(some(rng, t) for _, t in type_.fields))
    if isinstance(made, Scalar) and rng.random() < 0.8:
        return made._replace(
            **{
                f"{w}{end}": pick(getattr(made, f"{w}min"), getattr(made, f"{w}max"))
                for w in ("u", "s", "u32", "s32")
                for end, pick in (("min", min), ("max", max))
            }
        )
    return made
