"""A rule set that counts which rules run, and which way every condition in them goes."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.bits.counted import Condition, Counted
from bpfsmt.rules.ruleset import RuleSet, _OnInts


def counting(rules: RuleSet) -> tuple[RuleSet, Counted]:
    """The same rules with counters, slower; what a verifier asks of them is counted.

    >>> from bpfsmt.domain import Tnum
    >>> from bpfsmt.rules import rule_set
    >>> slow, counts = counting(rule_set("linux-6.12"))
    >>> slow.ints.tnum_add(Tnum(1, 0), Tnum(2, 0))
    Tnum(value=3, mask=0)
    >>> counts.calls["tnum_add"], counts.calls["tnum_sub"]
    (1, 0)
    """
    counts = Counted(rules.linked.rules)
    copy = replace(rules)
    copy.__dict__["ints"] = _OnInts(counts)  # where the cached property keeps its value
    return copy, counts


__all__ = ["Condition", "Counted", "counting"]
