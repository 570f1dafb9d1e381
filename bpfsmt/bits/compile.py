"""From a rule's Python text to its typed tree, with every type error found on the way.

Types are inferred forwards; only integer literals wait for their context.  Nothing is
converted silently: mixing signedness or width is an error that names the cast to write.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bpfsmt.bits import ir
from bpfsmt.bits.lang import bit_length, div_trunc, rem_trunc, replace
from bpfsmt.bits.source import Source
from bpfsmt.bits.types import BOOL, Bool, RecordType, TupleType, Type, type_of
from bpfsmt.bits.words import Word

_COUNTER = Word(64, signed=False)

_WORD_OPS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "/", ast.Mod: "%",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
}  # fmt: skip
_FOLD: dict[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.floordiv,
    "%": operator.mod, "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "<<": operator.lshift, ">>": operator.rshift,
}  # fmt: skip
_COMPARES: dict[type[ast.cmpop], tuple[str, bool]] = {  # operator, operands swapped
    ast.Eq: ("==", False), ast.NotEq: ("!=", False),
    ast.Lt: ("<", False), ast.LtE: ("<=", False), ast.Gt: ("<", True), ast.GtE: ("<=", True),
}  # fmt: skip


class Signature(Protocol):
    """What the compiler needs to know of another rule."""

    name: str
    params: tuple[tuple[str, Type], ...]
    result: Type


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule's text, typed: what both backends read."""

    name: str
    params: tuple[tuple[str, Type], ...]
    result: Type
    body: tuple[ir.Stmt, ...]
    callees: Mapping[str, Signature]


@dataclass(frozen=True, slots=True)
class _Literal:
    """An integer whose type its context will say."""

    value: int


_Typed = ir.Expr | _Literal


def compile_text(
    source: Source, scope: Mapping[str, Any], is_rule: Callable[[Any], bool]
) -> Compiled:
    """Compile one function definition; ``scope`` gives its free names their values.

    Raises `RuleError` for anything outside the rule language.
    """
    try:
        definition = ast.parse(source.text).body[0]
    except SyntaxError as e:
        raise source.error(e, f"{e.msg}") from e
    if not isinstance(definition, ast.FunctionDef):
        raise source.error(definition, "a rule is a plain function: write def name(x: u64) -> u64")
    return _Compiler(source, scope, is_rule, definition).compile()


@dataclass
class _Compiler:
    source: Source
    scope: Mapping[str, Any]
    is_rule: Callable[[Any], bool]
    definition: ast.FunctionDef
    callees: dict[str, Signature] = field(default_factory=dict)
    result: Type = BOOL
    locals: frozenset[str] = frozenset()  # names that the rule assigns: never module constants
    loops: int = 0  # how many loops are open around the statement being read

    def compile(self) -> Compiled:
        args = self.definition.args
        if args.vararg or args.kwarg or args.kwonlyargs or args.defaults or args.posonlyargs:
            raise self.error(self.definition, "a rule takes plain parameters without defaults")
        params = tuple((a.arg, self.annotation(a.annotation, a)) for a in args.args)
        self.result = self.annotation(self.definition.returns, self.definition)
        stored = (n for n in ast.walk(self.definition) if isinstance(n, ast.Name))
        self.locals = frozenset(n.id for n in stored if isinstance(n.ctx, ast.Store))
        body, _ = self.block(self.definition.body, dict(params), in_loop=False)
        if not _returns(body):
            raise self.error(
                self.definition, "not every path returns: end the rule with a return statement"
            )
        return Compiled(self.definition.name, params, self.result, body, self.callees)

    def error(self, node: ast.AST | None, message: str) -> Exception:
        return self.source.error(node, message)

    def annotation(self, node: ast.expr | None, where: ast.AST) -> Type:
        if node is None:
            raise self.error(where, "say the type of every parameter and result, as in x: u64")
        try:
            text = node.value if isinstance(node, ast.Constant) else ast.unparse(node)
            return type_of(eval(str(text), dict(self.scope)))
        except Exception as e:
            raise self.error(
                node, f"{ast.unparse(node)} is no type here: use u64, s64, u32, s32, bool, a "
                "record class or tuple[...] of these",
            ) from e  # fmt: skip

    # Statements

    def block(
        self, stmts: list[ast.stmt], env: dict[str, Type], *, in_loop: bool
    ) -> tuple[tuple[ir.Stmt, ...], dict[str, Type]]:
        out: list[ir.Stmt] = []
        for i, stmt in enumerate(stmts):
            if out and _returns(tuple(out)):
                raise self.error(stmt, "this statement is never reached: remove it")
            if i == 0 and isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant):
                continue  # the docstring
            out.append(self.statement(stmt, env, in_loop))
        return tuple(out), env

    def statement(self, stmt: ast.stmt, env: dict[str, Type], in_loop: bool) -> ir.Stmt:
        match stmt:
            case ast.Return(value=ast.expr() as value):
                if self.loops:
                    raise self.error(stmt, "return inside a loop: use `if cond: break` instead")
                return ir.Return(self.expect(value, self.result, env))
            case ast.Assign(targets=[target]):
                return self.assign(target, self.expr(stmt.value, env), env, stmt)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                declared = self.annotation(stmt.annotation, stmt)
                typed = self.expect(value, declared, env)
                return self.assign(ast.Name(id=name), typed, env, stmt)
            case ast.AugAssign(target=ast.Name(id=name)):
                value = ast.copy_location(
                    ast.BinOp(ast.copy_location(ast.Name(id=name), stmt), stmt.op, stmt.value), stmt
                )
                return self.assign(ast.Name(id=name), self.expr(value, env), env, stmt)
            case ast.If(body=[ast.Break()], orelse=[]) if in_loop:
                return ir.Break(self.expect(stmt.test, BOOL, env))
            case ast.If():
                return self.branch(stmt, env)
            case ast.For():
                return self.loop(stmt, env)
            case ast.While():
                raise self.error(stmt, "no while in a rule: use `for i in range(64)` and break")
        what = type(stmt).__name__.lower()
        raise self.error(
            stmt, f"{what} is no statement of a rule: use =, if, for i in range, return"
        )

    def assign(
        self, target: ast.expr, value: _Typed, env: dict[str, Type], where: ast.stmt
    ) -> ir.Stmt:
        if isinstance(value, _Literal):
            name = target.id if isinstance(target, ast.Name) else "x"
            known = env.get(name)
            if known is None:
                raise self.error(
                    where, f"say the type of this constant: {name}: u64 = {value.value}"
                )
            value = self.literal(value, known, where)
        names: tuple[str, ...]
        types: tuple[Type, ...]
        if isinstance(target, ast.Name):
            names, types = (target.id,), (value.type,)
        elif isinstance(target, ast.Tuple) and isinstance(value.type, TupleType):
            names = tuple(t.id if isinstance(t, ast.Name) else "" for t in target.elts)
            types = value.type.items
            if "" in names or len(names) != len(types):
                raise self.error(where, f"unpack {value.type} into {len(types)} plain names")
        else:
            raise self.error(where, "assign to a plain name (records change with replace(r, f=x))")
        for name, type_ in zip(names, types, strict=True):
            if env.get(name, type_) != type_:
                raise self.error(
                    where,
                    f"{name} is {env[name]} and cannot become {type_}: cast, or use a new name",
                )
            env[name] = type_
        return ir.Assign(names, value)

    def branch(self, stmt: ast.If, env: dict[str, Type]) -> ir.Stmt:
        cond = self.expect(stmt.test, BOOL, env)
        then, env_then = self.block(stmt.body, dict(env), in_loop=False)
        other, env_other = self.block(stmt.orelse, dict(env), in_loop=False)
        # After the branch a name exists if every side that comes out assigned it.
        live = [e for s, e in ((then, env_then), (other, env_other)) if not _returns(s)]
        for name in set().union(*live) if live else ():
            types = {e.get(name) for e in live}
            if len(types) == 1 and None not in types:
                env[name] = next(t for t in types if t is not None)
            elif None not in types:
                raise self.error(stmt, f"{name} gets a different type on the two sides")
        return ir.If(cond, then, other)

    def loop(self, stmt: ast.For, env: dict[str, Type]) -> ir.Stmt:
        match stmt:
            case ast.For(
                target=ast.Name(id=var),
                iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int(count))]),
                orelse=[],
            ):
                inner = dict(env) | {var: _COUNTER}
                self.loops += 1
                body, after = self.block(stmt.body, inner, in_loop=True)
                self.loops -= 1
                for name in env:
                    if after[name] != env[name]:
                        raise self.error(stmt, f"{name} changes its type in the loop")
                return ir.For(var, count, body)
        raise self.error(stmt, "write loops as `for i in range(64):` with a constant count")

    # Expressions

    def expect(self, node: ast.expr, want: Type, env: Mapping[str, Type]) -> ir.Expr:
        value = self.expr(node, env, want)
        if isinstance(value, _Literal):
            return self.literal(value, want, node)
        if value.type != want:
            hint = f": write {want}(...)" if isinstance(want, Word) else ""
            raise self.error(node, f"`{ast.unparse(node)}` is {value.type}, not {want}{hint}")
        return value

    def literal(self, value: _Literal, want: Type, where: ast.AST) -> ir.Expr:
        if not isinstance(want, Word):
            raise self.error(where, f"the number {value.value} is no {want}")
        if value.value not in want:
            raise self.error(
                where, f"{value.value} does not fit {want}: write {want}({value.value}) to wrap it"
            )
        return ir.Const(want, value.value)

    def word(self, node: ast.expr, env: Mapping[str, Type]) -> ir.Expr | _Literal:
        value = self.expr(node, env)
        if not isinstance(value, _Literal) and not isinstance(value.type, Word):
            raise self.error(node, f"`{ast.unparse(node)}` is {value.type}, not a word")
        return value

    def same(
        self, nodes: list[ast.expr], env: Mapping[str, Type], where: ast.expr
    ) -> list[ir.Expr] | list[_Literal]:
        """Several operands of one word type; literals take the type of the others."""
        values = [self.word(n, env) for n in nodes]
        types = {v.type for v in values if not isinstance(v, _Literal)}
        if not types:
            return [v for v in values if isinstance(v, _Literal)]
        if len(types) > 1:
            shown = " and ".join(sorted(map(str, types)))
            raise self.error(
                where,
                f"`{ast.unparse(where)}` mixes {shown}: cast one side, as in u64(x) or s64(x)",
            )
        (type_,) = types
        return [
            self.literal(v, type_, n) if isinstance(v, _Literal) else v
            for v, n in zip(values, nodes, strict=True)
        ]

    def expr(self, node: ast.expr, env: Mapping[str, Type], want: Type | None = None) -> _Typed:
        match node:
            case ast.Constant(value=bool(b)):
                return ir.Const(BOOL, int(b))
            case ast.Constant(value=int(n)):
                return _Literal(n)
            case ast.Name(id=name):
                return self.name(name, env, node)
            case ast.Attribute(value=base, attr=attr):
                return self.attribute(base, attr, env, node)
            case ast.UnaryOp():
                return self.unary(node, env)
            case ast.BinOp():
                return self.binary(node, env)
            case ast.Compare():
                return self.compare(node, env)
            case ast.BoolOp(op=op, values=values):
                parts = tuple(self.expect(v, BOOL, env) for v in values)
                return ir.Op(BOOL, "and" if isinstance(op, ast.And) else "or", parts)
            case ast.IfExp():
                return self.ifexp(node, env, want)
            case ast.Tuple(elts=elts) if isinstance(want, TupleType) and len(elts) == len(
                want.items
            ):
                items = zip(elts, want.items, strict=True)
                return ir.Make(want, tuple(self.expect(e, t, env) for e, t in items))
            case ast.Tuple(elts=elts):
                made = [self.expr(e, env) for e in elts]
                typed = [m for m in made if not isinstance(m, _Literal)]
                if len(typed) == len(made):
                    return ir.Make(TupleType(tuple(m.type for m in typed)), tuple(typed))
            case ast.Call(func=ast.Name(id=name)):
                return self.call(name, node, env)
        raise self.error(node, f"`{ast.unparse(node)}` is outside the rule language")

    def name(self, name: str, env: Mapping[str, Type], node: ast.expr) -> _Typed:
        if name in env:
            return ir.Var(env[name], name)
        value = None if name in self.locals else self.scope.get(name)
        if isinstance(value, bool):
            return ir.Const(BOOL, int(value))
        if isinstance(value, int):
            return _Literal(value)
        if isinstance(value, tuple) and type(value) is not tuple:
            return self.constant(value, node)
        raise self.error(node, f"{name} has no value here (on every path?): assign it first")

    def constant(self, value: Any, node: ast.expr) -> ir.Expr:
        """A module-level record of numbers, spelled out."""
        try:
            type_ = type_of(type(value))
        except TypeError as e:
            raise self.error(
                node, f"{ast.unparse(node)} is no constant of the rule language"
            ) from e
        assert isinstance(type_, RecordType)
        parts: list[ir.Expr] = []
        for (_, part_type), part in zip(type_.fields, value, strict=True):
            if isinstance(part_type, RecordType):
                parts.append(self.constant(part, node))
            elif isinstance(part_type, Bool) and isinstance(part, bool):
                parts.append(ir.Const(part_type, int(part)))
            elif isinstance(part, int):
                parts.append(self.literal(_Literal(int(part)), part_type, node))
            else:
                raise self.error(node, f"{ast.unparse(node)} is not made of plain numbers")
        return ir.Make(type_, tuple(parts))

    def attribute(
        self, base: ast.expr, attr: str, env: Mapping[str, Type], node: ast.expr
    ) -> ir.Expr:
        value = self.expr(base, env)
        type_ = None if isinstance(value, _Literal) else value.type
        if isinstance(type_, RecordType) and not isinstance(value, _Literal):
            part = type_.field(attr)
            if part is not None:
                return ir.Field(part, value, attr)
            names = ", ".join(n for n, _ in type_.fields)
            raise self.error(node, f"{type_} has no field {attr}: it has {names}")
        raise self.error(node, f"`{ast.unparse(base)}` is {type_ or 'a number'} and has no fields")

    def unary(self, node: ast.UnaryOp, env: Mapping[str, Type]) -> _Typed:
        if isinstance(node.op, ast.Not):
            return ir.Op(BOOL, "not", (self.expect(node.operand, BOOL, env),))
        value = self.word(node.operand, env)
        if isinstance(node.op, ast.UAdd):
            return value
        negate = isinstance(node.op, ast.USub)
        if isinstance(value, _Literal):
            return _Literal(-value.value if negate else ~value.value)
        return ir.Op(value.type, "neg" if negate else "~", (value,))

    def binary(self, node: ast.BinOp, env: Mapping[str, Type]) -> _Typed:
        op = _WORD_OPS.get(type(node.op))
        if op is None:
            raise self.error(
                node, f"`{ast.unparse(node)}`: this operator is outside the rule language"
            )
        if op in ("<<", ">>"):
            return self.shift(op, node, env)
        values = self.same([node.left, node.right], env, node)
        left, right = values
        if isinstance(left, _Literal) or isinstance(right, _Literal):
            assert isinstance(left, _Literal)
            assert isinstance(right, _Literal)
            return self.fold(node, left.value, right.value)
        assert isinstance(left.type, Word)
        if op in ("/", "%") and left.type.signed:
            good = "div_trunc(a, b)" if op == "/" else "rem_trunc(a, b)"
            raise self.error(node, f"signed division: write {good}, which rounds towards zero")
        return ir.Op(left.type, op, (left, right))

    def fold(self, node: ast.BinOp, left: int, right: int) -> _Literal:
        """Arithmetic on constants alone is that of unbounded Python ints."""
        try:
            return _Literal(_FOLD[_WORD_OPS[type(node.op)]](left, right))
        except (ArithmeticError, ValueError) as e:
            raise self.error(node, f"`{ast.unparse(node)}` has no value: {e}") from e

    def shift(self, op: str, node: ast.BinOp, env: Mapping[str, Type]) -> _Typed:
        left, right = self.word(node.left, env), self.word(node.right, env)
        if isinstance(left, _Literal):
            if isinstance(right, _Literal):
                return self.fold(node, left.value, right.value)
            left = self.literal(left, right.type, node.left)
        assert isinstance(left.type, Word)
        count_type = Word(left.type.bits, signed=False)
        if isinstance(right, _Literal):
            right = self.literal(right, count_type, node.right)
        if right.type != count_type:
            raise self.error(node, f"the shift count is {right.type}: write {count_type}(...)")
        return ir.Op(left.type, op, (left, right))

    def compare(self, node: ast.Compare, env: Mapping[str, Type]) -> ir.Expr:
        operands = [node.left, *node.comparators]
        parts: list[ir.Expr] = []
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            if type(op) not in _COMPARES:
                raise self.error(node, f"`{ast.unparse(node)}`: compare words with == != < <= > >=")
            name, swapped = _COMPARES[type(op)]
            parts.append(self.comparison(name, swapped, left, right, env, node))
        return parts[0] if len(parts) == 1 else ir.Op(BOOL, "and", tuple(parts))

    def comparison(
        self, op: str, swapped: bool, left: ast.expr, right: ast.expr,
        env: Mapping[str, Type], node: ast.expr,
    ) -> ir.Expr:  # fmt: skip
        a = self.expr(left, env)
        if not isinstance(a, _Literal) and isinstance(a.type, RecordType | Bool):
            if op not in ("==", "!="):
                raise self.error(node, f"{a.type} has no order: compare its fields")
            return ir.Op(BOOL, op, (a, self.expect(right, a.type, env)))
        x, y = self.same([left, right], env, node)
        if isinstance(x, _Literal) or isinstance(y, _Literal):
            raise self.error(node, f"`{ast.unparse(node)}` compares two constants: remove it")
        return ir.Op(BOOL, op, (y, x) if swapped else (x, y))

    def ifexp(self, node: ast.IfExp, env: Mapping[str, Type], want: Type | None) -> _Typed:
        cond = self.expect(node.test, BOOL, env)
        then, other = self.expr(node.body, env, want), self.expr(node.orelse, env, want)
        if isinstance(then, _Literal) and isinstance(other, _Literal):
            if want is None:
                raise self.error(
                    node, "say the type of these constants, as in u64(1) if c else u64(0)"
                )
            then, other = self.literal(then, want, node), self.literal(other, want, node)
        if isinstance(then, _Literal):
            assert not isinstance(other, _Literal)
            then = self.literal(then, other.type, node)
        if isinstance(other, _Literal):
            other = self.literal(other, then.type, node)
        if then.type != other.type:
            raise self.error(node, f"the two sides are {then.type} and {other.type}: cast one")
        return ir.Ite(then.type, cond, then, other)

    def call(self, name: str, node: ast.Call, env: Mapping[str, Type]) -> _Typed:
        if name in env or name in self.locals:
            raise self.error(node, f"{name} is a variable here and cannot be called")
        if name in ("bool", "int"):
            raise self.error(node, f"{name}(...) is no cast here: write x != 0, u64(x) and so on")
        target = self.scope.get(name, {"min": min, "max": max}.get(name))
        if isinstance(target, Word):
            return self.cast(target, node, env)
        if target is replace:
            return self.replace(node, env)
        if target in (min, max, div_trunc, rem_trunc, bit_length):
            return self.builtin(target, node, env)
        if isinstance(target, type):
            return self.make(target, node, env)
        if self.is_rule(target):
            assert target is not None
            self.callees[name] = target
            args = self.arguments(name, target.params, node, env)
            return ir.Call(target.result, target.name, args)
        if name == self.definition.name:
            raise self.error(
                node, f"{name} calls itself: rules have no recursion, use a bounded loop"
            )
        raise self.error(node, f"{name} is no rule here: define it before, with @rule")

    def cast(self, word: Word, node: ast.Call, env: Mapping[str, Type]) -> _Typed:
        if len(node.args) != 1 or node.keywords:
            raise self.error(node, f"a cast takes one value: {word}(x)")
        value = self.expr(node.args[0], env)
        if isinstance(value, _Literal):
            return ir.Const(word, word(value.value))
        if not isinstance(value.type, Word | Bool):
            raise self.error(node, f"{value.type} cannot be cast to {word}")
        return value if value.type == word else ir.Cast(word, value)

    def builtin(self, target: Any, node: ast.Call, env: Mapping[str, Type]) -> _Typed:
        name = target.__name__
        want = {"bit_length": (1, 1), "min": (2, 9), "max": (2, 9)}.get(name, (2, 2))
        if node.keywords or not want[0] <= len(node.args) <= want[1]:
            raise self.error(node, f"{name} takes {want[0]} plain arguments")
        args = self.same(node.args, env, node)
        typed = [a for a in args if not isinstance(a, _Literal)]
        if len(typed) != len(args):
            raise self.error(node, f"{name} of constants only: compute the number yourself")
        type_ = typed[0].type
        assert isinstance(type_, Word)
        if name.endswith("_trunc") and not type_.signed:
            raise self.error(node, f"{name} is for signed words: use // or % on {type_}")
        if name == "bit_length" and type_.signed:
            raise self.error(node, "bit_length is for unsigned words: write bit_length(u64(x))")
        return ir.Op(type_, name, tuple(typed))

    def replace(self, node: ast.Call, env: Mapping[str, Type]) -> ir.Expr:
        base = self.expr(node.args[0], env) if len(node.args) == 1 else None
        if base is None or isinstance(base, _Literal) or not isinstance(base.type, RecordType):
            raise self.error(node, "write replace(record, field=value, ...)")
        fields = []
        for keyword in node.keywords:
            type_ = base.type.field(keyword.arg or "")
            if type_ is None:
                raise self.error(node, f"{base.type} has no field {keyword.arg}")
            fields.append((keyword.arg or "", self.expect(keyword.value, type_, env)))
        return ir.Replace(base.type, base, tuple(fields))

    def make(self, cls: type, node: ast.Call, env: Mapping[str, Type]) -> ir.Expr:
        try:
            type_ = type_of(cls)
        except TypeError as e:
            raise self.error(node, f"{cls.__name__} is no record: decorate it with @record") from e
        assert isinstance(type_, RecordType)
        return ir.Make(type_, self.arguments(cls.__name__, type_.fields, node, env))

    def arguments(
        self, name: str, params: tuple[tuple[str, Type], ...], node: ast.Call,
        env: Mapping[str, Type],
    ) -> tuple[ir.Expr, ...]:  # fmt: skip
        given: dict[str, ast.expr] = {p: a for (p, _), a in zip(params, node.args, strict=False)}
        given |= {k.arg: k.value for k in node.keywords if k.arg}
        if len(given) != len(node.args) + len(node.keywords) or set(given) != dict(params).keys():
            wanted = ", ".join(f"{p}: {t}" for p, t in params)
            raise self.error(node, f"{name} takes ({wanted})")
        return tuple(self.expect(given[p], t, env) for p, t in params)


def _returns(stmts: tuple[ir.Stmt, ...]) -> bool:
    """Whether control never runs out of the end of ``stmts``."""
    if not stmts:
        return False
    last = stmts[-1]
    if isinstance(last, ir.If):
        return _returns(last.then) and _returns(last.other)
    return isinstance(last, ir.Return)
