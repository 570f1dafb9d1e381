"""Walking a rule's typed tree where conditions may be open: what terms and arrays share.

On ints every condition has one answer.  On a Z3 term it may depend on the input, and on an
array it may differ from lane to lane.  Then both sides are walked and their results merged
by `Walker.ite`; where the condition is decided, only one side is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from bpfsmt.bits import ir
from bpfsmt.bits.types import RecordType, Type
from bpfsmt.bits.words import Word

Env = dict[str, Any]

_COUNTER = Word(64, signed=False)


class Walker(ABC):
    """Gives a rule's body its value; a backend says what numbers and operators are."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self.namespace = namespace

    @abstractmethod
    def constant(self, type_: Type, value: int) -> Any:
        """A number or truth value of the backend."""

    @abstractmethod
    def decide(self, cond: Any) -> bool | None:
        """Whether the condition holds, `None` if that is open."""

    @abstractmethod
    def ite(self, cond: Any, then: Any, other: Any) -> Any:
        """If-then-else of values, records and tuples."""

    @abstractmethod
    def convert(self, to: Word, of: Type, value: Any) -> Any:
        """A word, or a truth value, read as another word type."""

    @abstractmethod
    def op(self, e: ir.Op, args: list[Any]) -> Any:
        """An operator on the values of its operands."""

    def run(self, stmts: tuple[ir.Stmt, ...], env: Env) -> Any:
        """The result of statements of which every path returns."""
        for i, stmt in enumerate(stmts):
            match stmt:
                case ir.Return(value):
                    return self.expr(value, env)
                case ir.If(cond, then, other) if _may_return(then) or _may_return(other):
                    rest = stmts[i + 1 :]
                    test = self.expr(cond, env)
                    decided = self.decide(test)
                    if decided is not None:
                        return self.run((then if decided else other) + rest, env)
                    return self.ite(
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
                self.merge(env, self.expr(cond, env), *sides)
            case ir.For():
                self.iterate(stmt, 0, env)
            case _:
                raise AssertionError(stmt)

    def iterate(self, loop: ir.For, i: int, env: Env) -> None:
        """Rounds ``i`` and later of a loop, on ``env`` in place."""
        for round_ in range(i, loop.count):
            env[loop.var] = self.constant(_COUNTER, round_)
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
            leave = self.expr(stmt.cond, env)
            decided = self.decide(leave)
            if decided:
                return True
            if decided is None:
                going = dict(env)
                if not self.rest(loop, round_, stmts[k + 1 :], going):
                    self.iterate(loop, round_ + 1, going)
                self.merge(env, leave, dict(env), going)
                return True
        return False

    def merge(self, env: Env, cond: Any, then: Env, other: Env) -> None:
        """What both sides know, each name with the value of its side, into ``env``."""
        for name in then.keys() & other.keys():
            a, b = then[name], other[name]
            env[name] = a if a is b else self.ite(cond, a, b)

    def expr(self, e: ir.Expr, env: Env) -> Any:
        """The value of an expression."""
        match e:
            case ir.Const(type_, value):
                return self.constant(type_, value)
            case ir.Var(_, name):
                return env[name]
            case ir.Field(_, arg, name):
                return getattr(self.expr(arg, env), name)
            case ir.Ite(_, cond, then, other):
                return self.ite(self.expr(cond, env), self.expr(then, env), self.expr(other, env))
            case ir.Call(_, rule, args):
                return self.namespace[rule](*(self.expr(a, env) for a in args))
            case ir.Make(type_, args):
                parts = tuple(self.expr(a, env) for a in args)
                return type_.cls(*parts) if isinstance(type_, RecordType) else parts
            case ir.Replace(_, arg, fields):
                return self.expr(arg, env)._replace(**{n: self.expr(v, env) for n, v in fields})
            case ir.Cast(type_, arg):
                return self.convert(type_, arg.type, self.expr(arg, env))
            case ir.Op():
                return self.op(e, [self.expr(a, env) for a in e.args])


def _may_return(stmts: tuple[ir.Stmt, ...]) -> bool:
    return any(
        isinstance(s, ir.Return)
        or (isinstance(s, ir.If) and (_may_return(s.then) or _may_return(s.other)))
        for s in stmts
    )
