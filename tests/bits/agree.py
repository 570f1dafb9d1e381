"""Do a rule's two compilations agree?  One term per rule, many inputs."""

from __future__ import annotations

import functools
import itertools
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import z3

from bpfsmt.bits import Rule
from bpfsmt.bits.rule import LinkedRules
from bpfsmt.bits.terms import fresh, lift
from bpfsmt.bits.types import Bool, RecordType, TupleType, Type
from bpfsmt.bits.words import Word
from bpfsmt.domain.scalar import Scalar, Tnum

from .lanes import evaluate
from .narrow import Narrow

COUNT = int(os.environ.get("BPFSMT_AGREE", "10000"))
"""Inputs per rule."""


def leaves(type_: Type, value: Any = None) -> list[tuple[Type, Any]]:
    """The words and truth values that a value of some type is made of, in order."""
    if isinstance(type_, RecordType | TupleType):
        parts = type_.items if isinstance(type_, TupleType) else [t for _, t in type_.fields]
        values = [None] * len(parts) if value is None else value
        return [x for t, v in zip(parts, values, strict=True) for x in leaves(t, v)]
    return [(type_, value)]


def flat(value: Any) -> tuple[Any, ...]:
    """The same values without their types."""
    if not isinstance(value, tuple):
        return (value,)
    if not any(isinstance(v, tuple) for v in value):
        return value
    return tuple(x for v in value for x in flat(v))


def lanes(type_: Type, values: Iterable[Any]) -> list[Any]:
    """One array for each leaf; a value outside its type is an error."""
    columns = zip(*map(flattener(type_), values), strict=True)
    return [_lanes(t, column) for (t, _), column in zip(leaves(type_), columns, strict=True)]


@functools.cache
def flattener(type_: Type) -> Callable[[Any], tuple[Any, ...]]:
    """`flat` for values of one type: of thousands of them much the faster."""

    def parts(t: Type, name: str) -> list[str]:
        if isinstance(t, RecordType | TupleType):
            items = t.items if isinstance(t, TupleType) else [item for _, item in t.fields]
            return [x for i, item in enumerate(items) for x in parts(item, f"{name}[{i}]")]
        return [name]

    made: Callable[[Any], tuple[Any, ...]] = eval(f"lambda v: ({', '.join(parts(type_, 'v'))},)")
    return made


def _lanes(type_: Type, column: tuple[Any, ...]) -> Any:
    if not isinstance(type_, Word):
        assert set(map(type, column)) == {bool}, column
        return np.array(column)
    assert type_.min <= min(column) and max(column) <= type_.max, (type_, min(column), max(column))
    if type_.signed:
        return np.array(column, dtype=np.int64).view(np.uint64) & np.uint64(type_.mask)
    return np.array(column, dtype=np.uint64)


@dataclass(frozen=True)
class Inputs:
    """Arguments for a rule: one list for each parameter, and the same as arrays of leaves."""

    values: list[list[Any]]
    arrays: list[list[Any]]

    @classmethod
    def of(cls, params: Iterable[tuple[str, Type]], rows: list[tuple[Any, ...]]) -> Inputs:
        """Those rows."""
        columns = [[row[i] for row in rows] for i, _ in enumerate(params)]
        return cls(columns, [lanes(t, c) for (_, t), c in zip(params, columns, strict=True)])

    @classmethod
    def every(cls, params: Iterable[tuple[str, Type]]) -> Inputs:
        """All that there are, of narrow words; tnums are well-formed."""
        return cls.of(params, list(itertools.product(*(everything(t) for _, t in params))))

    @classmethod
    def some(cls, params: Iterable[tuple[str, Type]], count: int) -> Inputs:
        """Drawn ones; the n-th parameter of a type gets the type's pool, turned n times."""
        turned = [-(i * 997) % count for i, _ in enumerate(params)]
        pools = [pool(t, count) for _, t in params]
        values = [v[-k:] + v[:-k] for (v, _), k in zip(pools, turned, strict=True)]
        arrays = [[np.roll(a, k) for a in arrays] for (_, arrays), k in
                  zip(pools, turned, strict=True)]  # fmt: skip
        return cls(values, arrays)


def everything(type_: Type) -> list[Any]:
    """All values of a type, well-formed if they are tnums."""
    if isinstance(type_, Word):
        return list(range(type_.min, type_.max + 1))
    if isinstance(type_, Bool):
        return [False, True]
    parts = type_.items if isinstance(type_, TupleType) else [t for _, t in type_.fields]
    values = itertools.product(*map(everything, parts))
    if isinstance(type_, TupleType):
        return list(values)
    made = (type_.cls(*v) for v in values)
    return [v for v in made if not (isinstance(v, Tnum) and v.value & v.mask)]


@functools.cache
def pool(type_: Type, count: int) -> tuple[list[Any], list[Any]]:
    """So many values of a type, and their leaves as arrays."""
    rng = random.Random(f"{type_} {count}")
    values = [some(rng, type_) for _ in range(count)]
    return values, lanes(type_, values)


class Agreement:
    """One rule as a set links it; `check` compares its two compilations on some inputs.

    The term is built once, on unknowns, and evaluated on all inputs at a time by `lanes`.
    `check_directly` builds it on the numbers themselves and has Z3 fold it.
    """

    def __init__(
        self, rule: Rule[..., Any] | Narrow, linked: LinkedRules | Narrow | None = None
    ) -> None:
        linked = linked or (rule if isinstance(rule, Narrow) else rule.alone)
        self.rule = rule
        self._ints = linked.ints[rule.name]
        self._terms = linked.terms[rule.name]
        unknowns = [fresh(t, n) for n, t in rule.params]
        self._names = [[str(x.decl().name()) for x in flat(u)] for u in unknowns]
        self._term = self._terms(*unknowns)

    def check_all(self, inputs: Inputs) -> int:
        """Both give the same on these arguments; how many there were (one if it takes none)."""
        rows = zip(*inputs.values, strict=True) if inputs.values else [()]
        results = [self._ints(*row) for row in rows]
        expected = lanes(self.rule.result, results)
        pairs = zip(self._names, inputs.arrays, strict=True)
        known = {n: a for names, arrays in pairs for n, a in zip(names, arrays, strict=True)}
        found = evaluate(flat(self._term), known)
        for want, have in zip(expected, found, strict=True):
            wrong = np.flatnonzero(want != have)
            if wrong.size:
                args = tuple(column[wrong[0]] for column in inputs.values)
                raise AssertionError(f"{self.rule.name}{args} differs: {results[wrong[0]]}")
        return len(results)

    def check(self, *args: Any) -> None:
        """The same for one input."""
        self.check_all(Inputs.of(self.rule.params, [args]))

    def check_directly(self, *args: Any) -> None:
        """The same, with the whole term built on the numbers themselves."""
        type_ = self.rule.result
        expected = leaves(type_, self._ints(*args))
        for (t, want), term in zip(expected, flat(self._terms(*args)), strict=True):
            found = z3.simplify(term)
            folded = z3.is_bv_value(found) or z3.is_true(found) or z3.is_false(found)
            assert folded, f"{self.rule.name}{args}: the term stays open"
            assert found.eq(lift(t, want)), f"{self.rule.name}{args} differs"


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
