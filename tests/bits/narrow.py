"""Rules of 64-bit words read with words of a few bits, small enough to try every input.

Only a rule whose meaning does not depend on the width may be read so: its words are all of
64 bits, and so are those of its callees, and of constants it has only small ones and the
ends of a word.  Bitwise rules and those of one range are of that kind; a rule that speaks of
halves or bytes is not.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from bpfsmt.bits import Rule, ir, terms
from bpfsmt.bits.compile import Compiled
from bpfsmt.bits.functions import Functions
from bpfsmt.bits.rule import LinkedRules
from bpfsmt.bits.types import Bool, RecordType, TupleType, Type
from bpfsmt.bits.words import Word


class NotGeneric(Exception):
    """The rule depends on the width."""


class Narrow:
    """A rule and what it calls, with words of ``bits`` bits where the text says 64."""

    def __init__(self, rule: Rule[..., Any], linked: LinkedRules, bits: int) -> None:
        self.bits = bits
        self.name = rule.name
        self.params = tuple((n, self._type(t)) for n, t in rule.params)
        self.result = self._type(rule.result)
        self._rules: dict[str, Compiled] = {}
        self.ints = Functions(self._rules)
        self.terms: dict[str, Any] = {}
        self._linked = linked
        self._define(rule)

    def _define(self, rule: Rule[..., Any]) -> None:
        if rule.name in self.terms:
            return
        for name in rule.compiled.callees:
            self._define(self._linked.rules[name])
        c = rule.compiled
        params = tuple((n, self._type(t)) for n, t in c.params)
        body = tuple(self._tree(s) for s in c.body)
        narrow = Compiled(c.name, params, self._type(c.result), body, c.callees)
        self._rules[c.name] = narrow
        self.terms[c.name] = terms.define(narrow, self.terms)

    def _type(self, t: Type) -> Type:
        match t:
            case Word(64, signed):
                return Word(self.bits, signed)
            case RecordType(cls, fields):
                return RecordType(cls, tuple((n, self._type(f)) for n, f in fields))
            case TupleType(items):
                return TupleType(tuple(self._type(i) for i in items))
            case Bool():
                return t
        raise NotGeneric(f"{self.name} speaks of {t}")

    @functools.singledispatchmethod
    def _tree(self, node: Any) -> Any:
        """A part of the tree with its types and constants narrowed."""
        if isinstance(node, tuple):
            return tuple(self._tree(x) for x in node)
        if isinstance(node, Word | RecordType | TupleType | Bool):
            return self._type(node)
        if not dataclasses.is_dataclass(node):
            return node  # a name, an operator
        parts = {f.name: self._tree(getattr(node, f.name)) for f in dataclasses.fields(node)}
        return type(node)(**parts)  # type: ignore[misc]

    @_tree.register
    def _(self, node: ir.Const) -> Any:
        if isinstance(node.type, Bool):
            return node
        word = self._type(node.type)
        assert isinstance(node.type, Word) and isinstance(word, Word)
        ends = {node.type.max: word.max, node.type.min: word.min, 1 << 63: 1 << self.bits - 1}
        value = ends.get(node.value, node.value)
        if value not in word or (value == node.value and abs(value) > 1):
            raise NotGeneric(f"{self.name} has the constant {node.value}")
        return ir.Const(word, value)

    @_tree.register
    def _(self, node: ir.For) -> Any:
        if node.count != 64:
            raise NotGeneric(f"{self.name} goes round {node.count} times")
        return ir.For(node.var, self.bits, self._tree(node.body))
