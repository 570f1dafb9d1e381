"""Backend one again, in place: a rule as one Python expression over names and numbers.

Every operation is written as `bpfsmt.bits.ints` writes it; what is known of the operands
(constants, bounds) is used to compute parts beforehand and to leave out wraps that change
nothing.  Whoever translates programs to Python gets their arithmetic from here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bpfsmt.bits import ir
from bpfsmt.bits.ints import RUNTIME, _Writer
from bpfsmt.bits.source import RuleError
from bpfsmt.bits.types import Bool, Type
from bpfsmt.bits.words import Word

if TYPE_CHECKING:
    from bpfsmt.bits.rule import Rule

_RING = frozenset({"+", "-", "*", "&", "|", "^", "neg", "~"})
"""Operations whose low bits depend on the operands' low bits alone."""

_FLOOR = {"/": "//", "%": "%"}

_COMPARES = frozenset({"==", "!=", "<", "<=", "and", "or", "not"})


class Operand(NamedTuple):
    """A Python expression, cheap and free of effects, whose number lies in ``low..high``."""

    text: str
    low: int
    high: int

    @property
    def constant(self) -> int | None:
        """The number, if only one is possible."""
        return self.low if self.low == self.high else None


def number(value: int) -> Operand:
    """A constant."""
    return Operand(f"({value})" if value < 0 else str(value), value, value)


def name(text: str, type_: Type) -> Operand:
    """Some expression of which only the type is known."""
    return Operand(text, *limits(type_))


def known(text: str, low: int, high: int) -> Operand:
    """An expression, written as its number if only one is possible."""
    return number(low) if low == high else Operand(text, low, high)


def inline(rule: Rule[..., Any], args: Sequence[Operand]) -> Operand:
    """The rule's result for these arguments, each of which may stand in the text often.

    Only for rules on words, with nothing but a ``return``; others raise `RuleError`.

    >>> from bpfsmt.bits import rule, u32, u64
    >>> @rule
    ... def add32(dst: u64, src: u64) -> u64:
    ...     return u64(u32(dst) + u32(src))
    >>> inline(add32, [Operand("a", 0, 2**64 - 1), number(5)]).text
    '((a + 5) & 0xffffffff)'
    >>> inline(add32, [Operand("a", 0, 255), number(5)])
    Operand(text='(a + 5)', low=5, high=260)
    """
    body = rule.compiled.body
    if len(body) != 1 or not isinstance(body[0], ir.Return):
        raise RuleError(f"{rule.name} is more than one expression: it cannot be written in place")
    given = [known(*arg) for arg in args]
    names = dict(zip((n for n, _ in rule.params), given, strict=True))
    return _Inliner(names, rule.callees).expr(body[0].value)


def write(e: ir.Op | ir.Cast, args: Sequence[Operand]) -> Operand:
    """One operation whose operands are the variables called "0", "1" and so on.

    >>> from bpfsmt.bits import u64
    >>> a, x = name("a", u64), ir.Var(u64, "0")
    >>> write(ir.Op(u64, "+", (x, ir.Var(u64, "1"))), [a, number(1)]).text
    '((a + 1) & 0xffffffffffffffff)'
    >>> write(ir.Op(u64, "min", (x, ir.Var(u64, "1"))), [a, name("b", u64)]).text
    '(a if a <= b else b)'
    """
    if isinstance(e, ir.Op):
        found = _of_itself(e, args)
        if found is not None:
            return found
        if e.op in ("min", "max"):
            return functools.reduce(lambda a, b: _end(e.op, a, b), args)
        if e.op == "bit_length":
            x = args[0].constant
            low, high = (0, args[0].high.bit_length()) if x is None else (x.bit_length(),) * 2
            return known(f"{args[0].text}.bit_length()", low, high)
    return _Inliner({str(n): arg for n, arg in enumerate(args)}, {}).expr(e)


def _of_itself(e: ir.Op, args: Sequence[Operand]) -> Operand | None:
    """What an operation on twice the same gives, and one with its neutral element."""
    a, b = args[0], args[-1]
    if len(args) != 2:
        return None
    if a.text == b.text:
        if e.op in ("&", "|", "min", "max"):
            return a
        if e.op in ("-", "^", "!=", "<"):
            return number(0)
        if e.op in ("==", "<="):
            return number(1)
    if b.constant == 0 and e.op in ("+", "-", "|", "^", "<<", ">>"):
        return a
    return b if a.constant == 0 and e.op in ("+", "|", "^") else None


def _end(op: str, a: Operand, b: Operand) -> Operand:
    """The lesser or the greater of two numbers."""
    if op == "max":
        a, b = b, a
    if a.high <= b.low:
        return a if op == "min" else b
    if b.high <= a.low:
        return b if op == "min" else a
    ends = (min(a.low, b.low), min(a.high, b.high))
    if op == "max":
        ends = (max(a.low, b.low), max(a.high, b.high))
        return known(f"({b.text} if {a.text} <= {b.text} else {a.text})", *ends)
    return known(f"({a.text} if {a.text} <= {b.text} else {b.text})", *ends)


class _Inliner:
    """Writes expressions; ``names`` are the parameters, ``callees`` the rules that are called."""

    def __init__(self, names: Mapping[str, Operand], callees: Mapping[str, Rule[..., Any]]) -> None:
        self.names = names
        self.callees = callees

    def expr(self, e: ir.Expr) -> Operand:
        """The expression, as a number of its type."""
        match e:
            case ir.Const(_, value):
                return number(value)
            case ir.Var(_, name_):
                return self.names[name_]
            case ir.Cast():
                return self._cast(e)
            case ir.Op():
                return self._op(e)
            case ir.Ite():
                return self._choice(e)
            case ir.Call(_, callee, args):
                return inline(self.callees[callee], [self.expr(arg) for arg in args])
        raise RuleError("rules on records cannot be written in place")

    def _cast(self, e: ir.Cast) -> Operand:
        inner = self.expr(e.arg)
        if e.type.min <= inner.low and inner.high <= e.type.max:
            return inner if isinstance(e.arg.type, Word) else self._written(e, inner)
        if inner.constant is not None:
            return number(e.type(inner.constant))
        if not e.type.signed:
            return Operand(_masked(self._low(e.arg, e.type.bits), e.type), 0, e.type.max)
        if inner.low >= 0 and inner.high <= e.type.mask:
            half = 1 << (e.type.bits - 1)
            return Operand(f"(({inner.text} ^ {half:#x}) - {half:#x})", e.type.min, e.type.max)
        return self._written(e, inner)

    def _op(self, e: ir.Op) -> Operand:
        args = [self.expr(arg) for arg in e.args]
        plain = self._written(e, *args)
        if all(arg.constant is not None for arg in args):
            return number(int(eval(plain.text, dict(RUNTIME))))
        low, high = _bounds(e, args)
        if e.op in _COMPARES:
            return known(plain.text, low, high)
        assert isinstance(e.type, Word)
        if e.op == "&":
            return self._and(e, args, low, high)
        fits = e.type.min <= low and high <= e.type.max
        if not fits:
            low, high = e.type.min, e.type.max
        shift = e.op == "<<" and _below(args[1], e.type.bits)
        if fits and (e.op in ("+", "-", "*") or shift):
            return known(f"({args[0].text} {e.op} {args[1].text})", low, high)
        if e.op in ("/", "%") and args[1].low > 0:
            return known(f"({args[0].text} {_FLOOR[e.op]} {args[1].text})", low, high)
        if not e.type.signed and not fits and (shift or e.op in _RING):
            text = self._shift(e, e.type.bits) if shift else self._ring(e, e.type.bits)
            return Operand(_masked(text, e.type), low, high)
        return known(plain.text, low, high)

    def _and(self, e: ir.Op, args: list[Operand], low: int, high: int) -> Operand:
        """With a constant mask only the low bits of the other side matter."""
        for i in (0, 1):
            mask, other = args[i].constant, args[1 - i]
            if mask is None or mask < 0:
                continue
            if (mask + 1) & mask == 0 and other.low >= 0 and other.high <= mask:
                return other
            text = self._low(e.args[1 - i], mask.bit_length())
            return known(f"({text} & {mask:#x})", low, high)
        return known(f"({args[0].text} & {args[1].text})", low, high)

    def _low(self, e: ir.Expr, bits: int) -> str:
        """Some number that agrees with the expression in its lowest ``bits`` bits."""
        if isinstance(e, ir.Cast) and isinstance(e.arg.type, Word) and e.type.bits >= bits:
            return self._low(e.arg, bits)
        whole = self.expr(e)
        if whole.constant is None and isinstance(e, ir.Op) and isinstance(e.type, Word):
            if e.op in _RING and e.type.bits >= bits:
                return self._ring(e, bits)
            if e.op == "<<" and e.type.bits >= bits and _below(self.expr(e.args[1]), bits):
                return self._shift(e, bits)
        return whole.text

    def _shift(self, e: ir.Op, bits: int) -> str:
        """As `_low`, of a shift to the left by less than the width."""
        return f"({self._low(e.args[0], bits)} << {self.expr(e.args[1]).text})"

    def _ring(self, e: ir.Op, bits: int) -> str:
        """As `_low`, of an operation in `_RING`."""
        sides = [self._low(arg, bits) for arg in e.args]
        if len(sides) == 1:
            return f"({'-' if e.op == 'neg' else '~'}{sides[0]})"
        return f"({sides[0]} {e.op} {sides[1]})"

    def _choice(self, e: ir.Ite) -> Operand:
        cond = self.expr(e.cond)
        if cond.constant is not None:
            return self.expr(e.then if cond.constant else e.other)
        then, other = self.expr(e.then), self.expr(e.other)
        text = f"({then.text} if {cond.text} else {other.text})"
        return known(text, min(then.low, other.low), max(then.high, other.high))

    def _written(self, e: ir.Op | ir.Cast, *args: Operand) -> Operand:
        """As `bpfsmt.bits.ints` writes it, with bounds of the type."""
        sources = (e.arg,) if isinstance(e, ir.Cast) else e.args
        if isinstance(e, ir.Op) and e.op == "<<":  # what a constant count is, the writer asks
            count = args[1].constant
            second: ir.Expr = ir.Var(sources[1].type, args[1].text)
            if count is not None:
                second = ir.Const(sources[1].type, count)
            filled: tuple[ir.Expr, ...] = (ir.Var(sources[0].type, args[0].text), second)
        else:
            filled = tuple(
                ir.Var(s.type, arg.text) for s, arg in zip(sources, args, strict=True)
            )  # fmt: skip
        writer = _Writer()
        if isinstance(e, ir.Cast):
            return Operand(writer.cast(ir.Cast(e.type, filled[0])), *limits(e.type))
        return Operand(writer.op(ir.Op(e.type, e.op, filled)), *limits(e.type))


def _masked(text: str, type_: Word) -> str:
    """A number wrapped to an unsigned type."""
    return f"({text} & {type_.mask:#x})"


def limits(type_: Type) -> tuple[int, int]:
    """The least and the greatest number of a type."""
    if isinstance(type_, Bool):
        return 0, 1
    assert isinstance(type_, Word)
    return type_.min, type_.max


def _below(count: Operand, bits: int) -> bool:
    """A shift count that is known to be less than the width."""
    return count.low >= 0 and count.high < bits


def _bounds(e: ir.Op, args: list[Operand]) -> tuple[int, int]:
    """Between which numbers the operation's result lies, before any wrap."""
    a = args[0]
    b = args[1] if len(args) > 1 else a
    match e.op:
        case "+":
            return a.low + b.low, a.high + b.high
        case "-":
            return a.low - b.high, a.high - b.low
        case "*":
            corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
            return min(corners), max(corners)
        case "neg":
            return -a.high, -a.low
        case "<<" if _below(b, 128):
            return min(a.low << b.high, a.low << b.low), a.high << b.high
        case ">>" if b.low >= 0:
            corners = [x >> min(n, 256) for x in (a.low, a.high) for n in (b.low, b.high)]
            return min(corners), max(corners)
        case "&" if a.low >= 0 and b.low >= 0:
            return 0, min(a.high, b.high)
        case "|" | "^" if a.low >= 0 and b.low >= 0:
            return 0, (1 << max(a.high.bit_length(), b.high.bit_length())) - 1
        case "/" if a.low >= 0 and b.low > 0:
            return a.low // b.high, a.high // b.low
        case "%" if a.low >= 0 and b.low > 0:
            return 0, min(a.high, b.high - 1)
        case "==" | "!=" if a.high < b.low or b.high < a.low:
            return int(e.op == "!="), int(e.op == "!=")
        case "<" if a.high < b.low or a.low >= b.high:
            return int(a.high < b.low), int(a.high < b.low)
        case "<=" if a.high <= b.low or a.low > b.high:
            return int(a.high <= b.low), int(a.high <= b.low)
    return limits(e.type)
