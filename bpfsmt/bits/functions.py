"""The rules of a set as functions on ints, written and compiled when they are first asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bpfsmt.bits.compile import Compiled
from bpfsmt.bits.flat import to_python
from bpfsmt.bits.ints import RUNTIME
from bpfsmt.bits.weight import weigh

_WORTH_REMEMBERING = 60
"""A rule with more parts than this takes longer than to look its answer up."""

_REMEMBERED = 1024
"""So many answers of each such rule are remembered."""


class Functions(Mapping[str, Callable[..., Any]]):
    """The functions of rules that are linked by name, each written when it is first asked for.

    One that does more than a look-up takes remembers its latest answers.
    """

    def __init__(self, rules: Mapping[str, Compiled]) -> None:
        self._rules = rules
        self._weights: dict[str, int] = {}
        self._made: dict[str, Callable[..., Any]] = {}

    def __getitem__(self, name: str) -> Callable[..., Any]:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._define(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def _define(self, name: str) -> Callable[..., Any]:
        text, constants, called = to_python(self._rules, name, self._weights)
        scope = {**RUNTIME, "_new": tuple.__new__, **constants}
        scope |= {callee: self[callee] for callee in called}
        exec(compile(text, f"<ints of {name}>", "exec"), scope)
        function: Callable[..., Any] = scope[name]
        if weigh(self._rules, name, self._weights) <= _WORTH_REMEMBERING:
            return function
        return functools.lru_cache(_REMEMBERED)(function)
