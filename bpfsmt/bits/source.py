"""Where a rule's text is, and the error that points into it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from bpfsmt.errors import BpfsmtError


class RuleError(BpfsmtError):
    """A rule that cannot be compiled: says file, line, what is wrong, what to write instead."""


@dataclass(frozen=True, slots=True)
class Source:
    """A rule's text and where it starts (``line`` is the number of its first line)."""

    text: str
    filename: str
    line: int

    def error(self, node: ast.AST | SyntaxError | None, message: str) -> RuleError:
        """The error for a place in this text (or for its first line)."""
        line = self.line + (getattr(node, "lineno", 1) or 1) - 1
        return RuleError(f"{self.filename}:{line}: {message}")
