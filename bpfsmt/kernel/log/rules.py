"""The rules of a kernel of about a log's age, for what the log leaves out."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from bpfsmt.rules import rule_set


class Rules:
    """The rules on ints, by name; the set is loaded when one is first asked for.

    ``name`` gives the set's name: how old the kernel is shows only in the course of the log.
    """

    def __init__(self, name: Callable[[], str]) -> None:
        self._name = name
        self._ints: SimpleNamespace | None = None

    def __getattr__(self, rule: str) -> Any:
        if rule.startswith("_"):
            raise AttributeError(rule)
        if self._ints is None:
            self._ints = rule_set(self._name()).ints
        return getattr(self._ints, rule)
