"""Backend two: a rule's typed tree as Z3 terms, ``if`` turned into if-then-else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import z3

from bpfsmt.bits import ir
from bpfsmt.bits.compile import Compiled
from bpfsmt.bits.types import Bool, RecordType, TupleType, Type
from bpfsmt.bits.walk import Walker
from bpfsmt.bits.words import Word

_SIGNED: dict[str, Callable[..., Any]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">>": lambda a, b: a >> b,
    "div_trunc": lambda a, b: a / b, "rem_trunc": z3.SRem,
}  # fmt: skip
_UNSIGNED: dict[str, Callable[..., Any]] = {
    "<": z3.ULT,
    "<=": z3.ULE,
    ">>": z3.LShR,
    "/": z3.UDiv,
    "%": z3.URem,
}
_EITHER: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b, "~": lambda a: ~a, "neg": lambda a: -a,
    "and": z3.And, "or": z3.Or, "not": z3.Not,
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def constant(type_: Type, value: int) -> Any:
    """A number or truth value as a Z3 term; kept, as making one takes longer than finding it."""
    if isinstance(type_, Word):
        return z3.BitVecVal(value, type_.bits)
    return z3.BoolVal(bool(value))


def lift(type_: Type, value: Any) -> Any:
    """``value`` with every Python number in it made a Z3 term (records keep their class)."""
    if isinstance(type_, RecordType):
        parts = zip(type_.fields, value, strict=True)
        return type_.cls(*(lift(t, v) for (_, t), v in parts))
    if isinstance(type_, TupleType):
        return tuple(lift(t, v) for t, v in zip(type_.items, value, strict=True))
    return constant(type_, value) if isinstance(value, int) else value


def fresh(type_: Type, name: str) -> Any:
    """An unconstrained term (or record of terms) named ``name``, ``name.field`` and so on."""
    if isinstance(type_, RecordType):
        return type_.cls(*(fresh(t, f"{name}.{n}") for n, t in type_.fields))
    if isinstance(type_, TupleType):
        return tuple(fresh(t, f"{name}.{i}") for i, t in enumerate(type_.items))
    return z3.BitVec(name, type_.bits) if isinstance(type_, Word) else z3.Bool(name)


def leaves(value: Any) -> list[Any]:
    """The words and truth values in a record or tuple, in order; of one of them, itself."""
    return [x for part in value for x in leaves(part)] if isinstance(value, tuple) else [value]


def ite(cond: Any, then: Any, other: Any) -> Any:
    """If-then-else on terms, records and tuples of terms; folds where nothing is open."""
    if z3.is_true(cond):
        return then
    if z3.is_false(cond):
        return other
    if isinstance(then, tuple):
        parts = (ite(cond, t, o) for t, o in zip(then, other, strict=True))
        return type(then)(*parts) if hasattr(then, "_fields") else tuple(parts)
    return then if then.eq(other) else z3.If(cond, then, other)


def equal(a: Any, b: Any) -> Any:
    """Equality of terms, or of records field by field."""
    if isinstance(a, tuple):
        return z3.And(*(equal(x, y) for x, y in zip(a, b, strict=True)))
    return a == b


_LENGTHS: dict[int, tuple[Any, Any]] = {}
"""Bit lengths that were built, by the ids of their terms (which are kept, so the ids are)."""


def _bit_length(x: Any) -> Any:
    """A choice for every bit: it is long, so each is built once."""
    known = _LENGTHS.get(x.get_id())
    if known is None:
        if len(_LENGTHS) > 1000:
            _LENGTHS.clear()
        known = _LENGTHS[x.get_id()] = x, _counted(x)
    return known[1]


def _counted(x: Any) -> Any:
    bits = x.size()
    length = z3.BitVecVal(0, bits)
    for i in range(bits):
        length = z3.If(z3.Extract(i, i, x) == 1, z3.BitVecVal(i + 1, bits), length)
    return length


def define(compiled: Compiled, namespace: Mapping[str, Any]) -> Callable[..., Any]:
    """The rule as a function from terms to a term; callees are looked up in ``namespace``.

    Arguments may be Z3 terms or Python numbers, mixed.
    """

    def on_terms(*args: Any) -> Any:
        if len(args) != len(compiled.params):
            raise TypeError(f"{compiled.name} takes {len(compiled.params)} arguments")
        env = {n: lift(t, a) for (n, t), a in zip(compiled.params, args, strict=True)}
        return _Terms(namespace).run(compiled.body, env)

    on_terms.__name__ = compiled.name
    return on_terms


def walker(namespace: Mapping[str, Any]) -> Walker:
    """What runs parts of a rule's tree on terms, statement by statement."""
    return _Terms(namespace)


STEPS = 1000
"""How many steps of simplifying a condition is worth; a large one would take seconds."""


def _is_known(term: Any) -> bool:
    return bool(z3.is_bv_value(term) or z3.is_true(term) or z3.is_false(term))


def _folded(term: Any, args: Iterable[Any]) -> Any:
    """An operation on known numbers is a number: what is closed stays small."""
    return z3.simplify(term) if all(map(_is_known, args)) else term


class _Terms(Walker):
    def constant(self, type_: Type, value: int) -> Any:
        return constant(type_, value)

    def ite(self, cond: Any, then: Any, other: Any) -> Any:
        return ite(cond, then, other)

    def decide(self, cond: Any) -> bool | None:
        try:
            simple = z3.simplify(cond, max_steps=STEPS)
        except z3.Z3Exception:  # it takes more steps
            return None
        return True if z3.is_true(simple) else False if z3.is_false(simple) else None

    def convert(self, to: Word, of: Type, value: Any) -> Any:
        if isinstance(of, Bool):
            return ite(value, constant(to, 1), constant(to, 0))
        assert isinstance(of, Word)
        grow = to.bits - of.bits
        if grow == 0:
            return value
        if grow < 0:
            return _folded(z3.Extract(to.bits - 1, 0, value), [value])
        extend = z3.SignExt if of.signed else z3.ZeroExt
        return _folded(extend(grow, value), [value])

    def op(self, e: ir.Op, args: list[Any]) -> Any:
        if e.op in ("==", "!="):
            same = equal(*args) if e.op == "==" else z3.Not(equal(*args))
            return same if isinstance(args[0], tuple) else _folded(same, args)
        if e.op == "bit_length":
            return _folded(_bit_length(args[0]), args)
        word = e.args[0].type
        table = _SIGNED if isinstance(word, Word) and word.signed else _UNSIGNED
        if e.op in ("min", "max"):
            less = table["<="]
            first: Callable[..., Any] = less if e.op == "min" else lambda a, b: less(b, a)
            return functools.reduce(lambda a, b: ite(first(a, b), a, b), args)
        return _folded((table.get(e.op) or _EITHER[e.op])(*args), args)
