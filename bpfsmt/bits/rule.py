"""``@rule``: a typed Python function that runs on ints and is proved on Z3 terms.

>>> from bpfsmt.bits import rule, u64
>>> @rule
... def average(a: u64, b: u64) -> u64:
...     return (a & b) + ((a ^ b) >> 1)
>>> average(2**64 - 1, 1) == 2**63
True
>>> import z3
>>> x, y = z3.BitVecs("x y", 64)
>>> z3.prove(average.terms(x, y) == average.terms(y, x))
proved
"""

from __future__ import annotations

import functools
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar

from bpfsmt.bits import terms
from bpfsmt.bits.compile import Compiled, compile_text
from bpfsmt.bits.functions import Functions
from bpfsmt.bits.source import RuleError, Source
from bpfsmt.bits.types import Type

P = ParamSpec("P")
R = TypeVar("R")


class Rule(Generic[P, R]):
    """One compiled rule.  Calling it runs it on ints; `terms` builds its Z3 term.

    A rule that calls others is by itself linked to those that its text named; inside a
    rule set the callees are whatever the set says.  Raises `RuleError` when the text is
    outside the rule language.
    """

    def __init__(self, source: Source, scope: Mapping[str, Any], doc: str | None = None) -> None:
        self.source = source
        self.scope = scope
        self.compiled: Compiled = compile_text(source, scope, lambda x: isinstance(x, Rule))
        self.__doc__ = doc
        self.__name__ = self.compiled.name

    @property
    def name(self) -> str:
        """The function's name, under which rule sets know the rule."""
        return self.compiled.name

    @property
    def where(self) -> str:
        """File and line of the text."""
        return f"{self.source.filename}:{self.source.line}"

    @property
    def params(self) -> tuple[tuple[str, Type], ...]:
        """The parameters with their types, in order."""
        return self.compiled.params

    @property
    def result(self) -> Type:
        """The type of the result."""
        return self.compiled.result

    @property
    def callees(self) -> dict[str, Rule[..., Any]]:
        """The rules that the text calls, as its scope defines them."""
        return {r.name: r for r in self.compiled.callees.values() if isinstance(r, Rule)}

    @functools.cached_property
    def alone(self) -> LinkedRules:
        """This rule linked to its own callees."""
        return LinkedRules([self])

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The result on ints."""
        result: R = self.alone.ints[self.name](*args, **kwargs)
        return result

    def terms(self, *args: Any) -> Any:
        """The result as a Z3 term (or record of terms) for arguments that are terms."""
        return self.alone.terms[self.name](*args)

    def __repr__(self) -> str:
        params = ", ".join(f"{n}: {t}" for n, t in self.params)
        return f"<rule {self.name}({params}) -> {self.result}>"


class LinkedRules:
    """Rules linked by name: ``ints[name]`` and ``terms[name]`` are functions.

    Each rule brings its callees along, unless another rule of that name was given; a
    given rule must have the signature of the one it stands in for.  Raises `RuleError`
    for a clash of signatures, for a cycle of calls, for two given rules of one name, and
    where two callers bring along different rules of one name: give the one that is meant.
    """

    def __init__(self, rules: Iterable[Rule[..., Any]]) -> None:
        given = list(rules)
        self.rules: dict[str, Rule[..., Any]] = {r.name: r for r in given}
        for r in given:
            if self.rules[r.name] is not r:
                raise r.source.error(
                    None, f"{r.name} is given twice, also in {self.rules[r.name].where}"
                )
        self._collect()
        self._order()
        self.ints = Functions({name: r.compiled for name, r in self.rules.items()})
        self.terms: dict[str, Any] = {}
        for name, rule_ in self.rules.items():
            self.terms[name] = terms.define(rule_.compiled, self.terms)

    def _collect(self) -> None:
        """Bring along the callees that were not given."""
        brought: dict[str, str] = {}  # callee -> the caller whose text named it first
        pending = list(self.rules.values())
        while pending:
            caller = pending.pop()
            for name, callee in caller.callees.items():
                if name not in self.rules:
                    self.rules[name] = callee
                    brought[name] = caller.name
                    pending.append(callee)
                known = self.rules[name]
                if _types(known) != _types(callee):
                    raise known.source.error(
                        None, f"{name} must be {callee!r}, as {caller.name} calls it"
                    )
                if name in brought and known is not callee:
                    raise caller.source.error(
                        None,
                        f"two rules are called {name}: {caller.name} calls {callee.where}, but "
                        f"{brought[name]} calls {known.where}; give one of them as well",
                    )

    def _order(self) -> None:
        """Refuse a cycle of calls (possible only through replaced rules)."""
        done: set[str] = set()

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                chain = " -> ".join((*path[path.index(name) :], name))
                raise self.rules[name].source.error(None, f"rules call each other: {chain}")
            if name not in done:
                for callee in self.rules[name].callees:
                    visit(callee, (*path, name))
                done.add(name)

        for name in self.rules:
            visit(name, ())


def _types(r: Rule[..., Any]) -> tuple[tuple[Type, ...], Type]:
    return tuple(t for _, t in r.params), r.result


def rule(function: Callable[P, R]) -> Rule[P, R]:
    """Compile a typed function into a `Rule` (decorator)."""
    frame = inspect.currentframe()
    scope = dict(function.__globals__)
    if frame is not None and frame.f_back is not None:
        scope |= frame.f_back.f_locals
    try:
        lines, start = inspect.getsourcelines(function)
    except OSError as e:
        raise RuleError(f"{function.__name__}: the text of a rule must be in a file") from e
    source = Source("".join(lines), inspect.getsourcefile(function) or "?", start)
    return Rule(_undecorated(source), scope, function.__doc__)


def rule_from_text(text: str, scope: Mapping[str, Any], filename: str = "<rule>") -> Rule[..., Any]:
    """Compile a rule from its text (a mutant, say); ``scope`` gives its free names."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    return Rule(_undecorated(Source(text, filename, 1)), scope)


def _undecorated(source: Source) -> Source:
    """The definition alone, dedented; what precedes it stays as blank lines, for line numbers."""
    text = textwrap.dedent(source.text).splitlines(keepends=True)
    for first, line in enumerate(text):
        if line.startswith(("def ", "async def ", "class ")):
            return Source("\n" * first + "".join(text[first:]), source.filename, source.line)
    raise source.error(None, "a rule is a plain function: write def name(x: u64) -> u64")
