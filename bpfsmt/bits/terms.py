"""Backend two: a rule's typed tree as Z3 terms, ``if`` turned into if-then-else."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import z3

from bpfsmt.bits import ir
from bpfsmt.bits.compile import Compiled
from bpfsmt.bits.types import Bool, RecordType, TupleType, Type
from bpfsmt.bits.words import Word

Env = dict[str, Any]

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


def constant(type_: Type, value: int) -> Any:
    """A number or truth value as a Z3 term."""
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


def _bit_length(x: Any) -> Any:
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
        return _Walker(namespace).run(compiled.body, env)

    on_terms.__name__ = compiled.name
    return on_terms


class _Walker:
    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace

    def run(self, stmts: tuple[ir.Stmt, ...], env: Env) -> Any:
        """The result of statements of which every path returns."""
        for i, stmt in enumerate(stmts):
            match stmt:
                case ir.Return(value):
                    return self.expr(value, env)
                case ir.If(cond, then, other) if _may_return(then) or _may_return(other):
                    rest = stmts[i + 1 :]
                    test = z3.simplify(self.expr(cond, env))
                    if z3.is_true(test):
                        return self.run(then + rest, env)
                    if z3.is_false(test):
                        return self.run(other + rest, env)
                    return ite(
                        test, self.run(then + rest, dict(env)), self.run(other + rest, dict(env))
                    )
                case _:
                    self.step(stmt, env)
        raise AssertionError("the compiler lets no rule through that may end without return")

    def step(self, stmt: ir.Stmt, env: Env) -> None:
        """One statement that does not return, on ``env`` in place."""
        match stmt:
            case ir.Assign((name,), value):
                env[name] = self.expr(value, env)
            case ir.Assign(names, value):
                env.update(zip(names, self.expr(value, env), strict=True))
            case ir.If(cond, then, other):
                sides = dict(env), dict(env)
                for side, stmts in zip(sides, (then, other), strict=True):
                    for inner in stmts:
                        self.step(inner, side)
                _merge(env, self.expr(cond, env), *sides)
            case ir.For():
                self.iterate(stmt, 0, env)
            case _:
                raise AssertionError(stmt)

    def iterate(self, loop: ir.For, i: int, env: Env) -> None:
        """Rounds ``i`` and later of a loop, on ``env`` in place."""
        for round_ in range(i, loop.count):
            env[loop.var] = z3.BitVecVal(round_, 64)
            if self.rest(loop, round_, loop.body, env):
                return

    def rest(self, loop: ir.For, round_: int, stmts: tuple[ir.Stmt, ...], env: Env) -> bool:
        """What is left of a round; true if there is nothing to do after it.

        Where a break's condition is open, both futures are walked and merged: leaving now,
        and the rest of this round with all rounds after it.
        """
        for k, stmt in enumerate(stmts):
            if not isinstance(stmt, ir.Break):
                self.step(stmt, env)
                continue
            leave = z3.simplify(self.expr(stmt.cond, env))
            if z3.is_true(leave):
                return True
            if not z3.is_false(leave):
                going = dict(env)
                if not self.rest(loop, round_, stmts[k + 1 :], going):
                    self.iterate(loop, round_ + 1, going)
                _merge(env, leave, dict(env), going)
                return True
        return False

    def expr(self, e: ir.Expr, env: Env) -> Any:
        match e:
            case ir.Const(type_, value):
                return constant(type_, value)
            case ir.Var(_, name):
                return env[name]
            case ir.Field(_, arg, name):
                return getattr(self.expr(arg, env), name)
            case ir.Ite(_, cond, then, other):
                return ite(self.expr(cond, env), self.expr(then, env), self.expr(other, env))
            case ir.Call(_, rule, args):
                return self.namespace[rule](*(self.expr(a, env) for a in args))
            case ir.Make(type_, args):
                parts = tuple(self.expr(a, env) for a in args)
                return type_.cls(*parts) if isinstance(type_, RecordType) else parts
            case ir.Replace(_, arg, fields):
                return self.expr(arg, env)._replace(**{n: self.expr(v, env) for n, v in fields})
            case ir.Cast(type_, arg):
                return self.cast(type_, arg, env)
            case ir.Op():
                return self.op(e, env)

    def cast(self, to: Word, arg: ir.Expr, env: Env) -> Any:
        value = self.expr(arg, env)
        if isinstance(arg.type, Bool):
            return ite(value, constant(to, 1), constant(to, 0))
        assert isinstance(arg.type, Word)
        grow = to.bits - arg.type.bits
        if grow < 0:
            return z3.Extract(to.bits - 1, 0, value)
        if grow == 0:
            return value
        return z3.SignExt(grow, value) if arg.type.signed else z3.ZeroExt(grow, value)

    def op(self, e: ir.Op, env: Env) -> Any:
        args = [self.expr(a, env) for a in e.args]
        if e.op == "==":
            return equal(*args)
        if e.op == "!=":
            return z3.Not(equal(*args))
        if e.op == "bit_length":
            return _bit_length(args[0])
        word = e.args[0].type
        table = _SIGNED if isinstance(word, Word) and word.signed else _UNSIGNED
        if e.op in ("min", "max"):
            less = table["<="]
            first: Callable[..., Any] = less if e.op == "min" else lambda a, b: less(b, a)
            return functools.reduce(lambda a, b: ite(first(a, b), a, b), args)
        return (table.get(e.op) or _EITHER[e.op])(*args)


def _may_return(stmts: tuple[ir.Stmt, ...]) -> bool:
    return any(
        isinstance(s, ir.Return)
        or (isinstance(s, ir.If) and (_may_return(s.then) or _may_return(s.other)))
        for s in stmts
    )


def _merge(env: Env, cond: Any, then: Env, other: Env) -> None:
    for name in then.keys() & other.keys():
        a, b = then[name], other[name]
        env[name] = a if a is b else ite(cond, a, b)
