"""Backend one, fast: a rule with the rules that it calls as one Python function on words.

Records are taken apart into their words and put together again only where they leave the
function; calls of small rules are written out in place; what is computed twice is computed
once; and what ranges of the operands decide is decided here (`bpfsmt.bits.inline` writes the
operations).  Nothing of this changes what a rule means: the text stays the only one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from bpfsmt.bits import ir
from bpfsmt.bits.code import Assign, Block, Choose, Define, Loop, Return, Take, render
from bpfsmt.bits.compile import Compiled
from bpfsmt.bits.inline import Operand, limits, number, write
from bpfsmt.bits.types import Bool, RecordType, TupleType, Type
from bpfsmt.bits.weight import LARGE, nodes, weigh
from bpfsmt.bits.words import Word

_NAME_OR_NUMBER = re.compile(r"\w+|\(-\d+\)")
_COUNTER = Word(64, signed=False)

_CHEAP = 3
"""So many operations are done though a condition before them might make them needless."""


@dataclass(slots=True, eq=False)
class Parts:
    """A record or tuple: its parts, and the name of a local that holds all of it.

    Parts that nobody asked for yet are `None`; ``take`` is where they come from.
    """

    type: RecordType | TupleType
    parts: list[Value | None]
    whole: str = ""
    take: Take | None = None
    made_by: tuple[str, str] = ("", "")
    """The rule that returned it, and for which argument."""


Value: TypeAlias = Operand | Parts
Env: TypeAlias = dict[str, Value]


def types_in(type_: RecordType | TupleType) -> tuple[Type, ...]:
    """The types of the parts, in order."""
    if isinstance(type_, TupleType):
        return type_.items
    return tuple(t for _, t in type_.fields)


def to_python(
    rules: Mapping[str, Compiled], name: str, weights: dict[str, int]
) -> tuple[str, dict[str, Any], set[str]]:
    """The rule as Python source, the constants it names, and the rules that it calls."""
    writer = _Writer(rules, weights)
    compiled = rules[name]
    env: Env = {n: writer.parameter(n, t) for n, t in compiled.params}
    writer.tail(compiled.body, env)
    head = f"def {name}({', '.join(n for n, _ in compiled.params)}):"
    text = "\n".join([head, *render(writer.block)]) + "\n"
    return text, writer.constants, writer.called


@dataclass
class _Writer:
    rules: Mapping[str, Compiled]
    weights: dict[str, int]
    block: Block = field(default_factory=list)
    scopes: list[dict[str, Operand]] = field(default_factory=lambda: [{}])
    constants: dict[str, Any] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    names: int = 0
    changed: list[tuple[Env, Env]] = field(default_factory=list)
    """Of each open loop: the names that it changes, as mutable locals and as they are now."""

    # Names

    def fresh(self) -> str:
        self.names += 1
        return f"_{self.names}"

    def define(self, value: Operand) -> Operand:
        """A name for the value, the same for the same text."""
        if value.constant is not None or _NAME_OR_NUMBER.fullmatch(value.text):
            return value
        for scope in self.scopes:
            if value.text in scope:
                return scope[value.text]
        name = self.fresh()
        self.block.append(Define(name, value.text))
        self.scopes[-1][value.text] = found = value._replace(text=name)
        return found

    def parameter(self, name: str, type_: Type) -> Value:
        """A local of that type that is there already."""
        if isinstance(type_, Word | Bool):
            return Operand(name, *limits(type_))
        count = len(types_in(type_))
        take = Take(name, count)
        self.block.append(take)
        return Parts(type_, [None] * count, name, take)

    def part(self, value: Parts, n: int) -> Value:
        """One part of a record, taken where the record was made."""
        found = value.parts[n]
        if found is not None:
            return found
        take = value.take
        assert take is not None
        type_ = types_in(value.type)[n]
        name = take.parts.setdefault(n, self.fresh())
        if isinstance(type_, Word | Bool):
            found = Operand(name, *limits(type_))
        else:
            inner = Take(name, len(types_in(type_)))
            take.inner.append(inner)
            found = Parts(type_, [None] * inner.count, name, inner)
        value.parts[n] = found
        return found

    def text(self, value: Value, type_: Type) -> str:
        """The value as an argument or result."""
        if isinstance(value, Operand):
            if isinstance(type_, Bool) and value.constant is not None:
                return str(bool(value.constant))
            return value.text
        if value.whole:
            return value.whole
        constant = _constant(value)
        if constant is not None:
            return self._constant_name(constant)
        parts = [self.part(value, n) for n in range(len(value.parts))]
        types = types_in(value.type)
        inner = ", ".join(self.text(p, t) for p, t in zip(parts, types, strict=True))
        if isinstance(value.type, TupleType):
            return f"({inner},)"
        name = value.type.cls.__name__
        self.constants[name] = value.type.cls
        return f"_new({name}, ({inner},))"

    def _constant_name(self, value: Any) -> str:
        for name, known_ in self.constants.items():
            if known_ == value and type(known_) is type(value):
                return name
        name = f"_K{len(self.constants)}_{self.fresh()}"
        self.constants[name] = value
        return name

    # Blocks

    @contextmanager
    def side(self) -> Iterator[Block]:
        """A block of its own, which may be entered or not."""
        outer, self.block = self.block, []
        self.scopes.append({})
        try:
            yield self.block
        finally:
            self.block = outer
            self.scopes.pop()

    def choose(self, cond: Operand, then: Callable[[], Value], other: Callable[[], Value]) -> Value:
        """One of two values; only what that one needs is computed."""
        if cond.constant is not None:
            return then() if cond.constant else other()
        with self.side() as left:
            a = self.named(then())
        with self.side() as right:
            b = self.named(other())
        found = self.join(cond, left, right, a, b)
        if left or right:
            self.block.append(Choose(cond.text, left, right))
        return self.settled(found)

    def join(
        self, cond: Operand, left: Block, right: Block, a: Value, b: Value, one: bool = True
    ) -> Value:
        """The value that is ``a`` behind the block on the left and ``b`` behind the other.

        ``one`` says that it is the only one, so that empty blocks may stay empty.
        """
        if a is b or _same(a, b):
            return a
        if isinstance(a, Operand) and isinstance(b, Operand):
            low, high = min(a.low, b.low), max(a.high, b.high)
            if one and not left and not right:
                return self.define(Operand(f"({a.text} if {cond.text} else {b.text})", low, high))
            return Operand(self._either(left, right, a.text, b.text), low, high)
        assert isinstance(a, Parts)
        assert isinstance(b, Parts)
        count = len(a.parts)
        if a.whole and b.whole:
            same = a.whole == b.whole
            whole = a.whole if same else self._either(left, right, a.whole, b.whole)
            return Parts(a.type, [None] * count, whole)
        pairs = [(self.part(a, n), self.part(b, n)) for n in range(count)]
        one = one and sum(not _same(x, y) for x, y in pairs) <= 1
        return Parts(a.type, [self.join(cond, left, right, x, y, one) for x, y in pairs])

    def _either(self, left: Block, right: Block, a: str, b: str) -> str:
        """A name for ``a`` behind the left block and ``b`` behind the right one."""
        name = self.fresh()
        left.append(Define(name, a))
        right.append(Define(name, b))
        return name

    def settled(self, value: Value) -> Value:
        """Wholes that came out of a choice can be taken apart behind it."""
        if isinstance(value, Parts):
            if value.whole and value.take is None:
                value.take = Take(value.whole, len(value.parts))
                self.block.append(value.take)
            value.parts = [None if p is None else self.settled(p) for p in value.parts]
        return value

    # Statements

    def tail(self, stmts: tuple[ir.Stmt, ...], env: Env) -> None:
        """Statements at whose end the function returns."""
        for i, stmt in enumerate(stmts):
            match stmt:
                case ir.Return(value):
                    self.returned(value, env)
                    return
                case ir.If(cond, then, other) if _may_return(then) or _may_return(other):
                    rest = stmts[i + 1 :]
                    self.fork(
                        self.word(cond, env),
                        partial(self.tail, then + rest, dict(env)),
                        partial(self.tail, other + rest, dict(env)),
                    )
                    return
                case _:
                    self.step(stmt, env)

    def fork(self, cond: Operand, then: Callable[[], None], other: Callable[[], None]) -> None:
        """Two ways to return."""
        if cond.constant is not None:
            (then if cond.constant else other)()
            return
        with self.side() as left:
            then()
        with self.side() as right:
            other()
        self.block.append(Choose(cond.text, left, right))

    def returned(self, e: ir.Expr, env: Env) -> None:
        """Return the value of an expression."""
        match e:
            case ir.Ite(_, cond, then, other) if not isinstance(e.type, Word | Bool):
                self.fork(
                    self.word(cond, env),
                    partial(self.returned, then, env),
                    partial(self.returned, other, env),
                )
            case ir.Call(_, rule, args) if self.small(rule):
                self.tail(self.rules[rule].body, self.bound(rule, args, env))
            case _:
                self.block.append(Return(self.text(self.expr(e, env), e.type)))

    def small(self, rule: str) -> bool:
        """Whether the rule is written out where it is called."""
        return weigh(self.rules, rule, self.weights) <= LARGE

    def bound(self, rule: str, args: tuple[ir.Expr, ...], env: Env) -> Env:
        """The parameters of a rule that is written out."""
        names = (n for n, _ in self.rules[rule].params)
        return {n: self.named(self.expr(arg, env)) for n, arg in zip(names, args, strict=True)}

    def named(self, value: Value) -> Value:
        """The value, computed once."""
        return self.define(value) if isinstance(value, Operand) else value

    def value(self, stmts: tuple[ir.Stmt, ...], env: Env) -> Value:
        """What statements return whose result is needed here."""
        for i, stmt in enumerate(stmts):
            match stmt:
                case ir.Return(value):
                    return self.expr(value, env)
                case ir.If(cond, then, other) if _may_return(then) or _may_return(other):
                    rest = stmts[i + 1 :]
                    return self.choose(
                        self.word(cond, env),
                        partial(self.value, then + rest, dict(env)),
                        partial(self.value, other + rest, dict(env)),
                    )
                case _:
                    self.step(stmt, env)
        raise AssertionError("the compiler lets no rule through that may end without return")

    def step(self, stmt: ir.Stmt, env: Env) -> None:
        """One statement that does not return, on ``env`` in place."""
        match stmt:
            case ir.Assign((name,), value):
                env[name] = self.named(self.expr(value, env))
            case ir.Assign(names, value):
                found = self.expr(value, env)
                assert isinstance(found, Parts)
                env.update({n: self.part(found, i) for i, n in enumerate(names)})
            case ir.If(cond, then, other):
                self.branch(self.word(cond, env), then, other, env)
            case ir.For():
                self.loop(stmt, env)
            case ir.Break(cond):
                self.change(self.word(cond, env).text)

    def branch(
        self, cond: Operand, then: tuple[ir.Stmt, ...], other: tuple[ir.Stmt, ...], env: Env
    ) -> None:
        """A branch of which both sides come out again."""
        if cond.constant is not None:
            for stmt in then if cond.constant else other:
                self.step(stmt, env)
            return
        sides = dict(env), dict(env)
        blocks = []
        for side, stmts in zip(sides, (then, other), strict=True):
            with self.side() as block:
                for stmt in stmts:
                    self.step(stmt, side)
            blocks.append(block)
        left, right = blocks
        both = [n for n in sides[0] if n in sides[1]]
        differ = [n for n in both if sides[0][n] is not sides[1][n]]
        # What is the same on both sides may still be new, `s = r` here and there.
        env.update({n: sides[0][n] for n in both if n not in differ})
        one = len(differ) == 1
        joined = {n: self.join(cond, left, right, sides[0][n], sides[1][n], one) for n in differ}
        if left or right:
            self.block.append(Choose(cond.text, left, right))
        env.update({n: self.settled(v) for n, v in joined.items()})

    def loop(self, stmt: ir.For, env: Env) -> None:
        """A loop: what it changes lives in locals that are assigned at the end of a round."""
        assigned = _assigned(stmt.body) | {stmt.var: _COUNTER}
        kept: Env = {n: self.mutable(env[n], t) for n, t in assigned.items() if n in env}
        env.update(kept)
        now = dict(env)
        name = self.fresh()
        now[stmt.var] = Operand(name, 0, stmt.count - 1)
        self.changed.append((kept, now))
        with self.side() as body:
            for inner in stmt.body:
                self.step(inner, now)
            self.change()
        self.changed.pop()
        self.block.append(Loop(name, stmt.count, body))

    def mutable(self, value: Value, type_: Type) -> Value:
        """The value in locals of its own, of which only the type is known."""
        if isinstance(value, Operand):
            name = self.fresh()
            self.block.append(Define(name, self.text(value, type_)))
            return Operand(name, *limits(type_))
        types = types_in(value.type)
        return Parts(
            value.type, [self.mutable(self.part(value, n), t) for n, t in enumerate(types)]
        )

    def change(self, leave: str = "") -> None:
        """Assign what the round has made of the loop's names."""
        kept, now = self.changed[-1]
        pairs = [
            pair
            for n, old in kept.items()
            for pair in zip(self.leaves(old), self.leaves(now[n]), strict=True)
            if pair[0] != pair[1]
        ]
        self.block.append(Assign(tuple(a for a, _ in pairs), tuple(b for _, b in pairs), leave))

    def leaves(self, value: Value) -> Iterator[str]:
        """The texts of all words in a value."""
        if isinstance(value, Operand):
            yield value.text
            return
        for n in range(len(value.parts)):
            yield from self.leaves(self.part(value, n))

    # Expressions

    def word(self, e: ir.Expr, env: Env) -> Operand:
        """A word or truth value."""
        found = self.expr(e, env)
        assert isinstance(found, Operand)
        return found

    def expr(self, e: ir.Expr, env: Env) -> Value:
        """The value of an expression; truth values may be a longer text."""
        match e:
            case ir.Const(type_, value):
                return _truth(number(value)) if isinstance(type_, Bool) else number(value)
            case ir.Var(_, name):
                return env[name]
            case ir.Field(_, arg, name):
                record = self.expr(arg, env)
                assert isinstance(record, Parts)
                return self.part(record, _index(record, name))
            case ir.Ite(_, cond, then, other):
                return self.choose(
                    self.word(cond, env),
                    partial(self.expr, then, env),
                    partial(self.expr, other, env),
                )
            case ir.Make(type_, args):
                return Parts(type_, [self.named(self.expr(a, env)) for a in args])
            case ir.Replace(_, arg, fields):
                return self.replaced(self.expr(arg, env), fields, env)
            case ir.Call():
                return self.call(e, env)
            case ir.Op(_, "and" | "or"):
                return self.connected(e, env)
            case ir.Cast(type_, arg):
                return self.operation(ir.Cast(type_, _hole(arg, 0)), [self.word(arg, env)])
            case ir.Op(type_, op, args):
                holes = tuple(_hole(a, n) for n, a in enumerate(args))
                return self.operation(ir.Op(type_, op, holes), [self.operand(a, env) for a in args])

    def operand(self, e: ir.Expr, env: Env) -> Operand:
        """A word, or a record that is compared as a whole."""
        found = self.expr(e, env)
        return found if isinstance(found, Operand) else Operand(self.text(found, e.type), 0, 1)

    def operation(self, e: ir.Op | ir.Cast, args: list[Operand]) -> Operand:
        """One operation on named operands."""
        args = [self.define(arg) for arg in args]
        found = write(e, args)
        return _truth(found) if isinstance(e.type, Bool) else self.define(found)

    def replaced(self, old: Value, fields: tuple[tuple[str, ir.Expr], ...], env: Env) -> Parts:
        """A record with some parts replaced."""
        assert isinstance(old, Parts)
        parts: list[Value | None] = [self.part(old, n) for n in range(len(old.parts))]
        for name, e in fields:
            parts[_index(old, name)] = self.named(self.expr(e, env))
        return Parts(old.type, parts)

    def call(self, e: ir.Call, env: Env) -> Value:
        """A call: written out, or of the rule's own function."""
        if self.small(e.rule):
            return self.value(self.rules[e.rule].body, self.bound(e.rule, e.args, env))
        self.called.add(e.rule)
        args = [self.expr(arg, env) for arg in e.args]
        texts = [
            self.define(Operand(self.text(a, p.type), 0, 2)).text
            for a, p in zip(args, e.args, strict=True)
        ]
        made = f"{e.rule}({', '.join(texts)})"
        if len(args) == 1 and isinstance(args[0], Parts) and args[0].made_by[0] == e.rule:
            # what changed nothing the first time does not the second time either
            made = f"({made} if {texts[0]} != {args[0].made_by[1]} else {texts[0]})"
        bounds = limits(e.type) if isinstance(e.type, Word | Bool) else (0, 2)
        result = self.define(Operand(made, *bounds))
        if isinstance(e.type, Word | Bool):
            return result
        found = self.parameter(result.text, e.type)
        assert isinstance(found, Parts)
        if len(args) == 1 and args[0] is not None and e.type == e.args[0].type:
            found.made_by = (e.rule, texts[0])
        return found

    def connected(self, e: ir.Op, env: Env) -> Operand:
        """``and`` or ``or``: the right side is computed only if it is cheap, or asked for."""
        found = self.word(e.args[0], env)
        for arg in e.args[1:]:
            if found.constant is not None:
                if bool(found.constant) == (e.op == "or"):
                    return found
                found = self.word(arg, env)
                continue
            with self.side() as block:
                right = self.word(arg, env)
            if len(block) <= _CHEAP and all(isinstance(line, Define) for line in block):
                self.block += block
                found = _both(e.op, found, right)
            else:
                found = self.shortened(e.op, found, right, block)
        return found

    def shortened(self, op: str, left: Operand, right: Operand, block: Block) -> Operand:
        """The same where the right side takes lines of its own."""
        name = self.fresh()
        block.append(Define(name, self.text(right, Bool())))
        end: Block = [Define(name, "False" if op == "and" else "True")]
        then, other = (block, end) if op == "and" else (end, block)
        self.block.append(Choose(left.text, then, other))
        return Operand(name, 0, 1)


def _truth(value: Operand) -> Operand:
    """A truth value; a known one by its own name, for 1 is a number."""
    return value if value.constant is None else value._replace(text=str(bool(value.constant)))


def _both(op: str, a: Operand, b: Operand) -> Operand:
    if b.constant is not None:
        return b if bool(b.constant) == (op == "or") else a
    return a if a.text == b.text else Operand(f"({a.text} {op} {b.text})", 0, 1)


def _same(a: Value, b: Value) -> bool:
    return a is b or (isinstance(a, Operand) and isinstance(b, Operand) and a.text == b.text)


def _hole(e: ir.Expr, n: int) -> ir.Var:
    return ir.Var(e.type, f"{n}")


def _index(record: Parts, name: str) -> int:
    assert isinstance(record.type, RecordType)
    return [n for n, _ in record.type.fields].index(name)


def _constant(value: Value) -> Any:
    """The record, if all in it is known."""
    if isinstance(value, Operand):
        return value.constant
    parts = []
    for part, type_ in zip(value.parts, types_in(value.type), strict=True):
        found = None if part is None else _constant(part)
        if found is None:
            return None
        parts.append(bool(found) if isinstance(type_, Bool) else found)
    return value.type.cls(*parts) if isinstance(value.type, RecordType) else tuple(parts)


def _assigned(stmts: tuple[ir.Stmt, ...]) -> dict[str, Type]:
    """The names that statements assign, with their types."""
    found: dict[str, Type] = {}
    for node in nodes(stmts):
        if isinstance(node, ir.Assign):
            type_ = node.value.type
            several = len(node.targets) > 1 and isinstance(type_, TupleType)
            types = type_.items if several and isinstance(type_, TupleType) else (type_,)
            found |= zip(node.targets, types, strict=True)
    return found


def _may_return(stmts: tuple[ir.Stmt, ...]) -> bool:
    return any(
        isinstance(s, ir.Return)
        or (isinstance(s, ir.If) and (_may_return(s.then) or _may_return(s.other)))
        for s in stmts
    )
