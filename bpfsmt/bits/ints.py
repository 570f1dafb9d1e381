"""Backend one: every operation of a rule as Python on ints, with the wraps put in.

`bpfsmt.bits.inline` leaves out wraps that change nothing, `bpfsmt.bits.flat` makes functions.
"""

from __future__ import annotations

from typing import Any

from bpfsmt.bits import ir
from bpfsmt.bits.lang import div_trunc, rem_trunc
from bpfsmt.bits.source import RuleError
from bpfsmt.bits.types import Bool, Type
from bpfsmt.bits.words import Word


def _shl(x: int, n: int, bits: int) -> int:
    """``x << n`` without building a number of n bits when n is huge."""
    return x << n if n < bits else 0


def _udiv(x: int, y: int, bits: int) -> int:
    """Division as SMT-LIB has it: all ones for a zero divisor, so that both modes agree."""
    return x // y if y else (1 << bits) - 1


def _urem(x: int, y: int) -> int:
    """Remainder as SMT-LIB has it: ``x`` for a zero divisor."""
    return x % y if y else x


def _sdiv(x: int, y: int) -> int:
    """Signed division as SMT-LIB has it for a zero divisor (the caller wraps)."""
    return div_trunc(x, y) if y else (1 if x < 0 else -1)


def _srem(x: int, y: int) -> int:
    """Signed remainder as SMT-LIB has it for a zero divisor."""
    return rem_trunc(x, y) if y else x


RUNTIME: dict[str, Any] = {
    "_shl": _shl, "_udiv": _udiv, "_urem": _urem, "_sdiv": _sdiv, "_srem": _srem,
}  # fmt: skip

_DIRECT = {"&", "|", "^", "==", "!=", "<", "<=", "and", "or"}


def _wrap(type_: Type, text: str) -> str:
    assert isinstance(type_, Word)
    mask = hex(type_.mask)
    if not type_.signed:
        return f"({text} & {mask})"
    half = hex(1 << (type_.bits - 1))
    return f"((({text}) + {half} & {mask}) - {half})"


class _Writer:
    """Writes single operations, on names and numbers."""

    def expr(self, e: ir.Expr) -> str:
        """A name or a number, or an operation on such."""
        match e:
            case ir.Const(type_, value):
                return str(bool(value)) if isinstance(type_, Bool) else f"({value})"
            case ir.Var(_, name):
                return name
            case ir.Cast():
                return self.cast(e)
            case ir.Op():
                return self.op(e)
        raise RuleError(f"{type(e).__name__} is no operation on words")

    def cast(self, e: ir.Cast) -> str:
        inner = self.expr(e.arg)
        if isinstance(e.arg.type, Bool):
            return f"int({inner})"
        assert isinstance(e.arg.type, Word)
        if e.arg.type.min in e.type and e.arg.type.max in e.type:
            return inner
        return _wrap(e.type, inner)

    def op(self, e: ir.Op) -> str:
        a = [self.expr(x) for x in e.args]
        word = e.args[0].type
        if e.op in _DIRECT:
            return f"({f' {e.op} '.join(a)})"
        if e.op in ("+", "-", "*"):
            return _wrap(e.type, f"({a[0]} {e.op} {a[1]})")
        if e.op == ">>":
            return f"({a[0]} >> {a[1]})"
        if e.op == "not":
            return f"(not {a[0]})"
        if e.op in ("min", "max"):
            return f"{e.op}({', '.join(a)})"
        if e.op == "bit_length":
            return f"{a[0]}.bit_length()"
        if e.op == "neg":
            return _wrap(e.type, f"-{a[0]}")
        assert isinstance(word, Word)
        if e.op == "~":
            return f"(~{a[0]})" if word.signed else f"({a[0]} ^ {hex(word.mask)})"
        if e.op == "<<":
            if isinstance(e.args[1], ir.Const) and e.args[1].value < word.bits:
                return _wrap(e.type, f"({a[0]} << {a[1]})")
            return _wrap(e.type, f"_shl({a[0]}, {a[1]}, {word.bits})")
        if e.op == "/":
            return f"_udiv({a[0]}, {a[1]}, {word.bits})"
        if e.op == "%":
            return f"_urem({a[0]}, {a[1]})"
        if e.op == "div_trunc":
            return _wrap(e.type, f"_sdiv({a[0]}, {a[1]})")
        return _wrap(e.type, f"_srem({a[0]}, {a[1]})")
