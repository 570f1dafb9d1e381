"""Z3 terms on thousands of inputs at once: a reading of them of its own, in numpy.

Each subterm once, as an array with one lane for each input: words of up to 64 bits as
unsigned numbers, kept below 2**width, and truth values.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

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


class Subterm(NamedTuple):
    """A subterm by its number, with what it does to the subterms of those numbers."""

    ast: Any
    number: int
    kind: int
    operands: tuple[int, ...]


def _size(ast: Any) -> int:
    ctx = z3.main_ctx().ref()
    return int(z3.Z3_get_bv_sort_size(ctx, z3.Z3_get_sort(ctx, ast)))


def _parameter(ast: Any, i: int) -> int:
    ctx = z3.main_ctx().ref()
    return int(z3.Z3_get_decl_int_parameter(ctx, z3.Z3_get_app_decl(ctx, ast), i))


def _name(ast: Any) -> str:
    ctx = z3.main_ctx().ref()
    symbol = z3.Z3_get_decl_name(ctx, z3.Z3_get_app_decl(ctx, ast))
    return str(z3.Z3_get_symbol_string(ctx, symbol))


def _value(term: Subterm, args: list[Any]) -> Any:
    kind, ast = term.kind, term.ast
    if kind == z3.Z3_OP_BNUM:
        return U(int(z3.Z3_get_numeral_string(z3.main_ctx().ref(), ast)))
    if kind in PLAIN:
        return PLAIN[kind](*args)
    if kind in SIGNED:
        width = _size(_operand(ast, 0))
        return SIGNED[kind](*(signed(np.asarray(a), width) for a in args))
    if kind in WRAPPED:
        return WRAPPED[kind](*args) & mask(_size(ast))
    if kind in SIZED:
        return SIZED[kind](*map(np.asarray, args), _size(ast))
    if kind == z3.Z3_OP_EXTRACT:
        high, low = _parameter(ast, 0), _parameter(ast, 1)
        return args[0] >> U(low) & mask(high - low + 1)
    if kind == z3.Z3_OP_SIGN_EXT:
        return unsigned(signed(np.asarray(args[0]), _size(_operand(ast, 0))), _size(ast))
    raise NotImplementedError(_name(ast))


def evaluate(terms: Iterable[Any], known: Mapping[str, Any]) -> list[Any]:
    """Each term's lanes; ``known`` has those of the free variables by their names.

    >>> x = z3.BitVec("x", 8)
    >>> evaluate([x + 255, x < 0], {"x": np.array([0, 1, 200], dtype=U)})[0].tolist()
    [255, 0, 199]
    """
    roots = [t.as_ast() for t in terms]
    order = _in_order(roots)
    numbers = [_number(t) for t in roots]
    left = Counter(c for t in order for c in t.operands)
    left.update(numbers)
    found: dict[int, Any] = {}
    with np.errstate(over="ignore"):
        for t in order:
            args = [found[c] for c in t.operands]
            open_ = t.kind == z3.Z3_OP_UNINTERPRETED
            found[t.number] = known[_name(t.ast)] if open_ else _value(t, args)
            for c in t.operands:  # arrays are let go of when nothing needs them any more
                left[c] -= 1
                if not left[c]:
                    del found[c]
    return [found[n] for n in numbers]


# Terms have thousands of subterms: no object of z3py for each of them.


def _number(ast: Any) -> int:
    return int(z3.Z3_get_ast_id(z3.main_ctx().ref(), ast))


def _operand(ast: Any, i: int) -> Any:
    return z3.Z3_get_app_arg(z3.main_ctx().ref(), ast, i)


def _in_order(roots: list[Any]) -> list[Subterm]:
    """Every subterm once, behind its operands."""
    ctx = z3.main_ctx().ref()
    order: list[Subterm] = []
    done: set[int] = set()
    pending: list[tuple[Any, int, tuple[int, ...] | None]]
    pending = [(t, _number(t), None) for t in roots]
    while pending:
        ast, number, operands = pending.pop()
        if number in done:
            continue
        if operands is None:
            children = [_operand(ast, i) for i in range(z3.Z3_get_app_num_args(ctx, ast))]
            operands = tuple(map(_number, children))
            pending.append((ast, number, operands))
            pending += [
                (c, n, None) for c, n in zip(children, operands, strict=True) if n not in done
            ]
            continue
        done.add(number)
        kind = z3.Z3_get_decl_kind(ctx, z3.Z3_get_app_decl(ctx, ast))
        order.append(Subterm(ast, number, kind, operands))
    return order
