"""What Linux 6.12 and 6.18 have wrong, and as it should be: all of `corrected(RULES)` is proved."""

from __future__ import annotations

from dataclasses import replace

from bpfsmt.bits import rule, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.links import links_movsx
from bpfsmt.rules.ruleset import RuleSet

_FILL = (
    "what a sign-extending load makes of a spilled number keeps its id, whatever its sign: as "
    "released (6.12.117, 6.18.44), no fix is known"
)

FAULTS = {"links_fill_sext/nothing lost": _FILL}
"""The obligations that are false of both releases."""


@rule
def links_fill_sext(r: Scalar, size: u64) -> bool:
    """Whether a sign-extending fill keeps the link: as a move that extends as many bits."""
    return links_movsx(r, size << 3)


def corrected(rules: RuleSet) -> RuleSet:
    """A release without its `FAULTS`."""
    doc = f"{rules.name} with what is known to be wrong in it corrected"
    return replace(rules.derive(f"{rules.name}-corrected", links_fill_sext, doc=doc), faults={})
