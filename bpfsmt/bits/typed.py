"""A rule's syntax tree with the type of every expression in it, for whoever rewrites its text."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from bpfsmt.bits.compile import _Compiler, _Literal, _Typed
from bpfsmt.bits.rule import Rule
from bpfsmt.bits.types import Type


def typed_tree(rule: Rule[..., Any]) -> tuple[ast.FunctionDef, dict[ast.expr, Type]]:
    """The definition, and the type of each of its expressions.

    Positions are those in ``rule.source.text``.  Literals, whose context says their type,
    are left out.

    >>> from bpfsmt.bits import rule, u64
    >>> @rule
    ... def half(x: u64) -> u64:
    ...     return x >> 1
    >>> _, types = typed_tree(half)
    >>> {ast.unparse(e): str(t) for e, t in types.items()}
    {'x': 'u64', 'x >> 1': 'u64'}
    """
    definition = ast.parse(rule.source.text).body[0]
    assert isinstance(definition, ast.FunctionDef)
    noting = _Noting(rule.source, rule.scope, lambda x: isinstance(x, Rule), definition)
    noting.types = {}
    noting.compile()
    return definition, noting.types


class _Noting(_Compiler):
    types: dict[ast.expr, Type]

    def expr(self, node: ast.expr, env: Mapping[str, Type], want: Type | None = None) -> _Typed:
        value = super().expr(node, env, want)
        if not isinstance(value, _Literal):
            self.types[node] = value.type
        return value
