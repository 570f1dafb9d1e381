"""Backend one, counting: a rule on ints that notes what it ran and which way conditions went.

Written straight from the typed tree, a statement for a statement: nothing is written out in
place, decided beforehand, or remembered, so every condition of the text is seen each time it
is asked.  `bpfsmt.bits.flat` is what runs when nobody counts, and costs nothing for this.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bpfsmt.bits import ir
from bpfsmt.bits.compile import Compiled, _Compiler
from bpfsmt.bits.ints import RUNTIME, _Writer
from bpfsmt.bits.rule import Rule
from bpfsmt.bits.types import BOOL, Bool, RecordType, Type


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition in a rule's text, without ``and``, ``or`` and ``not`` around it."""

    rule: str
    line: int
    text: str


class Counted(Mapping[str, Callable[..., Any]]):
    """The functions of rules that are linked by name, with counters.

    ``calls[name]`` is how often a rule ran.  ``conditions`` are all conditions of all rules;
    ``outcomes[2 * n]`` is how often condition ``n`` was false, ``outcomes[2 * n + 1]`` true.
    """

    def __init__(self, rules: Mapping[str, Rule[..., Any]]) -> None:
        self.calls = dict.fromkeys(rules, 0)
        self.conditions: list[Condition] = []
        self.outcomes: list[int] = []
        self._made: dict[str, Callable[..., Any]] = {}
        self._texts = {name: self._write(rule) for name, rule in rules.items()}

    def _write(self, rule: Rule[..., Any]) -> _Text:
        text = _Text(_noted(rule), len(self.conditions))
        self.conditions += text.conditions
        self.outcomes += [0] * (2 * len(text.conditions))
        return text

    def __getitem__(self, name: str) -> Callable[..., Any]:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._define(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def _define(self, name: str) -> Callable[..., Any]:
        text = self._texts[name]
        scope = {**RUNTIME, "_new": tuple.__new__, "_calls": self.calls, "_saw": self._saw}
        scope |= text.records
        scope |= {callee: self[callee] for callee in text.called}
        exec(compile(text.source, f"<counted {name}>", "exec"), scope)
        function: Callable[..., Any] = scope[name]
        return function

    def _saw(self, n: int, outcome: bool) -> bool:
        self.outcomes[2 * n + bool(outcome)] += 1
        return outcome


def _noted(rule: Rule[..., Any]) -> tuple[Compiled, Rule[..., Any], dict[int, ast.expr]]:
    """The rule compiled anew, with the place in its text of each truth value."""
    definition = ast.parse(rule.source.text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    noting = _Noting(rule.source, rule.scope, lambda x: isinstance(x, Rule), definition)
    noting.places = {}
    return noting.compile(), rule, noting.places


class _Noting(_Compiler):
    places: dict[int, ast.expr]

    def expect(self, node: ast.expr, want: Type, env: Mapping[str, Type]) -> ir.Expr:
        value = super().expect(node, want, env)
        if want == BOOL:
            self.places.setdefault(id(value), node)
        return value


class _Text(_Writer):
    """The source of one rule; conditions are numbered from ``first`` on."""

    def __init__(
        self, noted: tuple[Compiled, Rule[..., Any], dict[int, ast.expr]], first: int
    ) -> None:
        self.compiled, self.rule, self.places = noted
        self.first = first
        self.conditions: list[Condition] = []
        self.records: dict[str, type] = {}
        self.called: set[str] = set()
        name = self.compiled.name
        head = f"def {name}({', '.join(n for n, _ in self.compiled.params)}):"
        lines = [head, f"    _calls[{name!r}] += 1", *self.block(self.compiled.body, "    ")]
        self.source = "\n".join(lines) + "\n"

    def block(self, stmts: tuple[ir.Stmt, ...], indent: str) -> Iterator[str]:
        """The lines of statements."""
        if not stmts:
            yield f"{indent}pass"
        for stmt in stmts:
            yield from self.statement(stmt, indent)

    def statement(self, stmt: ir.Stmt, indent: str) -> Iterator[str]:
        inner = indent + "    "
        match stmt:
            case ir.Assign(targets, value):
                yield f"{indent}{', '.join(targets)} = {self.expr(value)}"
            case ir.If(cond, then, other):
                yield f"{indent}if {self.condition(cond)}:"
                yield from self.block(then, inner)
                yield f"{indent}else:"
                yield from self.block(other, inner)
            case ir.For(var, count, body):
                yield f"{indent}for {var} in range({count}):"
                yield from self.block(body, inner)
            case ir.Break(cond):
                yield f"{indent}if {self.condition(cond)}:"
                yield f"{inner}break"
            case ir.Return(value):
                written = self.condition if isinstance(value.type, Bool) else self.expr
                yield f"{indent}return {written(value)}"

    def condition(self, e: ir.Expr, within: ast.expr | None = None) -> str:
        """A condition, each part of it counted."""
        place = self.places.get(id(e), within)
        match e:
            case ir.Const():
                return self.expr(e)
            case ir.Op(_, "and" | "or" as op, args):
                return f"({f' {op} '.join(self.condition(a, place) for a in args)})"
            case ir.Op(_, "not", (arg,)):
                return f"(not {self.condition(arg, place)})"
            case ir.Ite(_, cond, then, other):
                parts = (self.condition(x, place) for x in (then, cond, other))
                return "({} if {} else {})".format(*parts)
        n = self.first + len(self.conditions)
        self.conditions.append(self._place(place))
        return f"_saw({n}, {self.expr(e)})"

    def _place(self, node: ast.expr | None) -> Condition:
        definition = self.rule.source
        line = definition.line - 1 + (node.lineno if node is not None else 1)
        return Condition(self.compiled.name, line, "" if node is None else ast.unparse(node))

    def expr(self, e: ir.Expr) -> str:
        """An expression, the conditions in it counted."""
        match e:
            case ir.Field(_, arg, name):
                return f"{self.expr(arg)}.{name}"
            case ir.Ite(_, cond, then, other):
                return f"({self.expr(then)} if {self.condition(cond)} else {self.expr(other)})"
            case ir.Call(_, rule, args):
                self.called.add(rule)
                return f"{rule}({', '.join(map(self.expr, args))})"
            case ir.Make(type_, args):
                parts = "".join(f"{self.expr(a)}, " for a in args)
                if not isinstance(type_, RecordType):
                    return f"({parts})"
                return f"_new({self.record(type_)}, ({parts}))"
            case ir.Replace(_, arg, fields):
                parts = ", ".join(f"{n}={self.expr(v)}" for n, v in fields)
                return f"{self.expr(arg)}._replace({parts})"
        return super().expr(e)

    def record(self, type_: RecordType) -> str:
        """The name of a record's class."""
        self.records[f"_{type_.cls.__name__}"] = type_.cls
        return f"_{type_.cls.__name__}"
