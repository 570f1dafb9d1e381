"""Backend three: a rule's typed tree on numpy arrays, one result in every lane.

For runs over millions of inputs.  Where a condition differs from lane to lane both sides are
walked and merged, as on terms; where it does not, only one is.  Lanes are words of their own
width, so the wraps are the machine's.

>>> from bpfsmt.bits import rule, u64
>>> @rule
... def half(x: u64) -> u64:
...     return x >> 1 if x & 1 == 0 else u64(0)
>>> Lanes([half]).run("half", np.arange(6, dtype=np.uint64)).tolist()
[0, 0, 1, 0, 2, 0]
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable
from typing import Any

from bpfsmt.bits import ir
from bpfsmt.bits.rule import LinkedRules, Rule
from bpfsmt.bits.types import Bool, RecordType, TupleType, Type
from bpfsmt.bits.walk import Walker
from bpfsmt.bits.words import Word
from bpfsmt.errors import BpfsmtError

try:
    np: Any = importlib.import_module("numpy")
except ImportError as e:  # pragma: no cover
    raise BpfsmtError("this needs numpy: pip install 'bpfsmt[precision]'") from e


def dtype(type_: Type) -> Any:
    """How numpy holds a word or a truth value."""
    if isinstance(type_, Bool):
        return np.dtype(bool)
    assert isinstance(type_, Word)
    return np.dtype(f"{'i' if type_.signed else 'u'}{type_.bits // 8}")


def lanes(type_: Type, values: Iterable[Any]) -> Any:
    """Values on ints as arrays: one array for each word of a record."""
    rows = list(values)
    if isinstance(type_, RecordType):
        columns = zip(type_.fields, zip(*rows, strict=True), strict=True)
        return type_.cls(*(lanes(t, column) for (_, t), column in columns))
    if isinstance(type_, TupleType):
        columns_ = zip(type_.items, zip(*rows, strict=True), strict=True)
        return tuple(lanes(t, column) for t, column in columns_)
    return np.array(rows, dtype=dtype(type_))


def lane(value: Any, i: int) -> Any:
    """What lane ``i`` holds, as ints; an array of one lane, or a constant, is in every lane."""
    if isinstance(value, tuple):
        parts = [lane(v, i) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array[i if len(array) > 1 else 0].item()


class Lanes:
    """Rules linked by name, as functions on arrays."""

    def __init__(self, rules: Iterable[Rule[..., Any]] | LinkedRules) -> None:
        linked = rules if isinstance(rules, LinkedRules) else LinkedRules(rules)
        self._namespace: dict[str, Any] = {}
        for name, rule in linked.rules.items():
            self._namespace[name] = functools.partial(self._call, rule)

    def _call(self, rule: Rule[..., Any], *args: Any) -> Any:
        env = {n: _lift(t, a) for (n, t), a in zip(rule.params, args, strict=True)}
        return _Arrays(self._namespace).run(rule.compiled.body, env)

    def run(self, name: str, *args: Any) -> Any:
        """The rule's result on arrays of one length, single numbers, or records of these."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return self._namespace[name](*args)


def _lift(type_: Type, value: Any) -> Any:
    """``value`` with every Python number in it made one of numpy's."""
    if isinstance(type_, RecordType):
        parts = zip(type_.fields, value, strict=True)
        return type_.cls(*(_lift(t, v) for (_, t), v in parts))
    if isinstance(type_, TupleType):
        return tuple(_lift(t, v) for t, v in zip(type_.items, value, strict=True))
    return value if isinstance(value, np.ndarray | np.generic) else np.array(value, dtype(type_))


def _ite(cond: Any, then: Any, other: Any) -> Any:
    if isinstance(then, tuple):
        parts = (_ite(cond, t, o) for t, o in zip(then, other, strict=True))
        return type(then)(*parts) if hasattr(then, "_fields") else tuple(parts)
    return then if then is other else np.where(cond, then, other)


def _equal(a: Any, b: Any) -> Any:
    if isinstance(a, tuple):
        return functools.reduce(np.logical_and, map(_equal, a, b))
    return a == b


def _shift(left: bool, a: Any, n: Any, bits: int) -> Any:
    """A count of ``bits`` or more leaves zeros, or to the right of a negative number ones."""
    count = np.minimum(n, n.dtype.type(bits - 1)).astype(a.dtype)
    if left:
        return np.where(n < bits, a << count, a.dtype.type(0))
    beyond = a >> a.dtype.type(bits - 1) if a.dtype.kind == "i" else a.dtype.type(0)
    return np.where(n < bits, a >> count, beyond)


def _divided(a: Any, b: Any, bits: int) -> Any:
    """Quotient and remainder as SMT-LIB has them, rounding towards zero; ints agree."""
    one = a.dtype.type(1)
    zero = b == 0
    if a.dtype.kind == "u":
        safe = np.where(zero, one, b)
        return np.where(zero, ~a.dtype.type(0), a // safe), np.where(zero, a, a % safe)
    # By magnitudes, which the unsigned word of the same width holds.
    word = np.dtype(f"u{bits // 8}")
    x, y = (np.where(v < 0, -v.astype(word), v.astype(word)) for v in (a, b))
    q, r = x // np.where(zero, word.type(1), y), x % np.where(zero, word.type(1), y)
    quotient = np.where((a < 0) != (b < 0), -q, q).astype(a.dtype)
    remainder = np.where(a < 0, -r, r).astype(a.dtype)
    return np.where(zero, np.where(a < 0, one, -one), quotient), np.where(zero, a, remainder)


def _bit_length(x: Any) -> Any:
    length = x.dtype.type(0) * x
    for step in (32, 16, 8, 4, 2, 1):
        if step < x.dtype.itemsize * 8:
            more = x >> x.dtype.type(step) != 0
            length = np.where(more, length + x.dtype.type(step), length)
            x = np.where(more, x >> x.dtype.type(step), x)
    return length + (x != 0).astype(x.dtype)


_OPS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
    "~": lambda a: ~a, "neg": lambda a: -a, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    "and": np.logical_and, "or": np.logical_or, "not": np.logical_not,
    "min": np.minimum, "max": np.maximum,
}  # fmt: skip


class _Arrays(Walker):
    def constant(self, type_: Type, value: int) -> Any:
        return np.array(value, dtype(type_))

    def decide(self, cond: Any) -> bool | None:
        return True if np.all(cond) else None if np.any(cond) else False

    def ite(self, cond: Any, then: Any, other: Any) -> Any:
        return _ite(cond, then, other)

    def convert(self, to: Word, of: Type, value: Any) -> Any:
        return value.astype(dtype(to))

    def op(self, e: ir.Op, args: list[Any]) -> Any:
        word = e.args[0].type
        if e.op in ("==", "!="):
            same = _equal(*args)
            return same if e.op == "==" else np.logical_not(same)
        if e.op == "bit_length":
            return _bit_length(args[0])
        if e.op in ("<<", ">>"):
            assert isinstance(word, Word)
            return _shift(e.op == "<<", args[0], args[1], word.bits)
        if e.op in ("/", "div_trunc", "%", "rem_trunc"):
            assert isinstance(word, Word)
            return _divided(args[0], args[1], word.bits)[e.op in ("%", "rem_trunc")]
        if e.op in ("and", "or", "min", "max"):
            return functools.reduce(_OPS[e.op], args)
        return _OPS[e.op](*args)
