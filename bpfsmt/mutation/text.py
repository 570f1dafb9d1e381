"""A rule's text as something to cut: the source of each expression, and replacements in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bpfsmt.bits import Rule
from bpfsmt.bits.typed import typed_tree
from bpfsmt.bits.types import Type

Place = ast.expr | ast.keyword


@dataclass(frozen=True, slots=True)
class Change:
    """One fault: ``pieces`` are places with the source that is put there instead.

    ``operator`` says of which kind it is.
    """

    operator: str
    pieces: tuple[tuple[Place, str], ...]


class RuleText:
    """One rule's source, syntax tree and types."""

    def __init__(self, rule: Rule[..., Any]) -> None:
        self.rule = rule
        self.definition, self._types = typed_tree(rule)
        self._lines = [line.encode() for line in rule.source.text.splitlines(keepends=True)]

    def type_of(self, node: ast.expr) -> Type | None:
        """The type of an expression; `None` for a literal."""
        return self._types.get(node)

    def constant(self, node: ast.expr) -> int | None:
        """The number that a literal or a name of a module constant stands for."""
        match node:
            case ast.Constant(value=int(n)) if not isinstance(n, bool):
                return n
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(n))):
                return -n
            case ast.Name(id=name) if node not in self._types:
                value = self.rule.scope.get(name)
                return value if isinstance(value, int) and not isinstance(value, bool) else None
        return None

    def source(self, node: Place) -> str:
        """The text of an expression, as it is written."""
        start, end = self._span(node)
        return self._all[start:end].decode()

    def operand(self, node: ast.expr) -> str:
        """The text of an expression, in parentheses unless it needs none anywhere."""
        text = self.source(node)
        plain = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Constant)
        return text if plain else f"({text})"

    def expressions(self) -> Iterator[tuple[ast.expr, ast.AST]]:
        """Every expression that is computed, with what it is part of, in reading order."""
        statements = self.definition.body
        if isinstance(statements[0], ast.Expr):  # the docstring
            statements = statements[1:]
        pending: list[tuple[ast.AST, ast.AST]] = [(s, self.definition) for s in statements[::-1]]
        while pending:
            node, parent = pending.pop()
            if isinstance(node, ast.expr):
                yield node, parent
            skip = node.annotation if isinstance(node, ast.AnnAssign) else None
            inner = [c for c in ast.iter_child_nodes(node) if c is not skip]
            pending += [(c, node) for c in inner[::-1]]

    def changed(self, change: Change) -> str:
        """The whole text with the pieces replaced."""
        out = self._all
        for node, new in sorted(change.pieces, key=lambda p: -self._span(p[0])[0]):
            start, end = self._span(node)
            out = out[:start] + new.encode() + out[end:]
        return out.decode()

    @property
    def _all(self) -> bytes:
        return b"".join(self._lines)

    def _span(self, node: Place) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        before = [0]
        for line in self._lines:
            before.append(before[-1] + len(line))
        return (
            before[node.lineno - 1] + node.col_offset,
            before[node.end_lineno - 1] + node.end_col_offset,
        )
