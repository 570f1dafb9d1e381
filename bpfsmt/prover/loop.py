"""The one loop of a rule, taken apart: what comes before it, one round of it, what follows.

An invariant is proved of these three pieces of the rule's own text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from bpfsmt.bits import Rule, ir, terms


class NoLoop(ValueError):
    """The rule is not: straight-line text, one loop that may begin with a break, more text."""


class Loop:
    """``rule`` cut at its loop; ``calls`` are the callees as functions on terms."""

    def __init__(self, rule: Rule[..., Any], calls: Mapping[str, Any]) -> None:
        body = rule.compiled.body
        at = [i for i, s in enumerate(body) if isinstance(s, ir.For)]
        if len(at) != 1:
            raise NoLoop(f"{rule.name} has {len(at)} loops at its top level")
        self._rule, self._walk = rule, terms.walker(calls)
        loop = body[at[0]]
        assert isinstance(loop, ir.For)
        self.rounds, self._counter = loop.count, loop.var
        self._before, self._after = body[: at[0]], body[at[0] + 1 :]
        self._breaks = isinstance(loop.body[0], ir.Break)
        self._body = loop.body[self._breaks :]
        self._leave = loop.body[0] if self._breaks else None
        if any(isinstance(s, ir.Break) for s in self._body):
            raise NoLoop(f"{rule.name} leaves its loop in the middle")

    def before(self, *args: Any) -> dict[str, Any]:
        """The variables when the loop is reached."""
        env = {n: terms.lift(t, a) for (n, t), a in zip(self._rule.params, args, strict=True)}
        for s in self._before:
            self._walk.step(s, env)
        return env

    def leaves(self, env: Mapping[str, Any]) -> Any:
        """Whether the round that begins with these variables is not run."""
        if self._leave is None:
            return z3.BoolVal(False)
        assert isinstance(self._leave, ir.Break)
        return self._walk.expr(self._leave.cond, dict(env))

    def round(self, env: Mapping[str, Any], number: Any) -> dict[str, Any]:
        """The variables after a round that began with these."""
        after = {**env, self._counter: number}
        for s in self._body:
            self._walk.step(s, after)
        return after

    def after(self, env: Mapping[str, Any]) -> Any:
        """The rule's result, when the loop is done."""
        return self._walk.run(self._after, dict(env))
