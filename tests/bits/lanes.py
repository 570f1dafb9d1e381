"""Z3 terms on thousands of inputs at once: a reading of them of its own, in numpy.

Each subterm once, as an array with one lane for each input: words of up to 64 bits as
unsigned numbers, kept below 2**width, and truth values.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import z3

U = np.uint64


def mask(bits: int) -> Any:
    """All ones below 2**bits."""
    return U((1 << bits) - 1)


def signed(x: Any, bits: int) -> Any:
    """The lanes read as signed numbers."""
    up = U(64 - bits)
    return (x << up).view(np.int64) >> np.int64(64 - bits)


def unsigned(x: Any, bits: int) -> Any:
    """Signed lanes as words."""
    return x.view(U) & mask(bits)


def _shifted(op: Callable[..., Any], x: Any, n: Any, bits: int, beyond: Any) -> Any:
    return np.where(n < U(bits), op(x, np.minimum(n, U(63))), beyond)


def _arithmetic_shift(x: Any, n: Any, bits: int) -> Any:
    count = np.minimum(n, U(63)).astype(np.int64)
    return unsigned(signed(x, bits) >> count, bits)


def _quotient(x: Any, y: Any, bits: int) -> Any:
    return np.where(y == 0, mask(bits), x // np.where(y == 0, U(1), y))


def _remainder(x: Any, y: Any, bits: int) -> Any:
    return np.where(y == 0, x, x % np.where(y == 0, U(1), y))


def _by_magnitudes(op: Callable[..., Any], x: Any, y: Any, bits: int, sign: Any) -> Any:
    """SMT-LIB: the unsigned operation on magnitudes, with a sign."""
    size = [np.where(signed(v, bits) < 0, -v & mask(bits), v) for v in (x, y)]
    found = op(*size, bits)
    return np.where(sign, -found & mask(bits), found)


def _signed_quotient(x: Any, y: Any, bits: int) -> Any:
    return _by_magnitudes(_quotient, x, y, bits, (signed(x, bits) < 0) != (signed(y, bits) < 0))


def _signed_remainder(x: Any, y: Any, bits: int) -> Any:
    return _by_magnitudes(_remainder, x, y, bits, signed(x, bits) < 0)


def _fold(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: functools.reduce(op, xs)


def _same(x: Any, y: Any) -> Any:
    return x == y


PLAIN: dict[int, Callable[..., Any]] = {
    z3.Z3_OP_AND: _fold(np.logical_and), z3.Z3_OP_OR: _fold(np.logical_or),
    z3.Z3_OP_NOT: np.logical_not, z3.Z3_OP_IMPLIES: lambda p, q: ~p | q,
    z3.Z3_OP_ITE: np.where, z3.Z3_OP_EQ: _same,
    z3.Z3_OP_ULT: np.less, z3.Z3_OP_ULEQ: np.less_equal,
    z3.Z3_OP_UGT: np.greater, z3.Z3_OP_UGEQ: np.greater_equal,
    z3.Z3_OP_TRUE: lambda: np.True_, z3.Z3_OP_FALSE: lambda: np.False_,
    z3.Z3_OP_ZERO_EXT: lambda x: x, z3.Z3_OP_BAND: _fold(np.bitwise_and),
    z3.Z3_OP_BOR: _fold(np.bitwise_or), z3.Z3_OP_BXOR: _fold(np.bitwise_xor),
}  # fmt: skip
"""Operators for which the width does not matter."""

SIGNED: dict[int, Callable[..., Any]] = {
    z3.Z3_OP_SLT: np.less, z3.Z3_OP_SLEQ: np.less_equal,
    z3.Z3_OP_SGT: np.greater, z3.Z3_OP_SGEQ: np.greater_equal,
}  # fmt: skip

WRAPPED: dict[int, Callable[..., Any]] = {
    z3.Z3_OP_BADD: _fold(np.add), z3.Z3_OP_BSUB: _fold(np.subtract),
    z3.Z3_OP_BMUL: _fold(np.multiply), z3.Z3_OP_BNEG: np.negative, z3.Z3_OP_BNOT: np.invert,
}  # fmt: skip
"""Operators of which the result is cut to the width."""

SIZED: dict[int, Callable[..., Any]] = {
    z3.Z3_OP_BSHL: lambda x, n, w: _shifted(np.left_shift, x, n, w, U(0)) & mask(w),
    z3.Z3_OP_BLSHR: lambda x, n, w: _shifted(np.right_shift, x, n, w, U(0)),
    z3.Z3_OP_BASHR: _arithmetic_shift,
    z3.Z3_OP_BUDIV: _quotient, z3.Z3_OP_BUREM: _remainder,
    z3.Z3_OP_BSDIV: _signed_quotient, z3.Z3_OP_BSREM: _signed_remainder,
}  # fmt: skip
"""Operators that need to know the width."""


def _value(term: Any, args: list[Any]) -> Any:
    kind = term.decl().kind()
    if kind == z3.Z3_OP_BNUM:
        return U(term.as_long())
    if kind in PLAIN:
        return PLAIN[kind](*args)
    if kind in SIGNED:
        width = term.arg(0).size()
        return SIGNED[kind](*(signed(np.asarray(a), width) for a in args))
    if kind in WRAPPED:
        return WRAPPED[kind](*args) & mask(term.size())
    if kind in SIZED:
        return SIZED[kind](*map(np.asarray, args), term.size())
    if kind == z3.Z3_OP_EXTRACT:
        high, low = term.params()
        return args[0] >> U(low) & mask(high - low + 1)
    if kind == z3.Z3_OP_SIGN_EXT:
        return unsigned(signed(np.asarray(args[0]), term.arg(0).size()), term.size())
    raise NotImplementedError(f"{term.decl().name()}")


def evaluate(terms: Iterable[Any], known: Mapping[str, Any]) -> list[Any]:
    """Each term's lanes; ``known`` has those of the free variables by their names.

    >>> x = z3.BitVec("x", 8)
    >>> evaluate([x + 255, x < 0], {"x": np.array([0, 1, 200], dtype=U)})[0].tolist()
    [255, 0, 199]
    """
    roots = list(terms)
    order = _in_order(roots)
    left = Counter(c.get_id() for _, children in order for c in children)
    left.update(t.get_id() for t in roots)
    found: dict[int, Any] = {}
    with np.errstate(over="ignore"):
        for t, children in order:
            name = t.decl().name()
            open_ = not children and t.decl().kind() == z3.Z3_OP_UNINTERPRETED
            args = [found[c.get_id()] for c in children]
            found[t.get_id()] = known[name] if open_ else _value(t, args)
            for c in children:  # arrays are let go of when nothing needs them any more
                left[c.get_id()] -= 1
                if not left[c.get_id()]:
                    del found[c.get_id()]
    return [found[t.get_id()] for t in roots]


def _in_order(roots: list[Any]) -> list[tuple[Any, list[Any]]]:
    """Every subterm once with its operands, behind these."""
    order: list[tuple[Any, list[Any]]] = []
    done: set[int] = set()
    pending = [(t, t.children()) for t in roots]
    while pending:
        t, children = pending[-1]
        missing = [c for c in children if c.get_id() not in done]
        if missing and t.get_id() not in done:
            pending += [(c, c.children()) for c in missing]
            continue
        pending.pop()
        if t.get_id() not in done:
            done.add(t.get_id())
            order.append((t, children))
    return order
