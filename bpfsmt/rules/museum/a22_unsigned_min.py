"""An unsigned upper bound that was taken for a signed lower one, 0 (up to Linux 4.12)."""

from __future__ import annotations

from bpfsmt.bits import replace, rule
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.bounds import sync
from bpfsmt.rules.museum.exhibit import Exhibit
from bpfsmt.rules.paper import RULES as PAPER


@rule
def refine64_ule(a: Scalar, b: Scalar) -> tuple[Scalar, Scalar]:
    """a <= b in Linux 4.12 (``reg_set_min_max``): a is not negative then."""
    left = replace(a, umax=min(a.umax, b.umax), smin=max(a.smin, 0))
    right = replace(b, umin=max(b.umin, a.umin))
    return sync(left), sync(right)


EXHIBIT = Exhibit(
    PAPER.derive("museum/a22-unsigned-min", refine64_ule),
    number="A22",
    title="an unsigned compare makes a number non-negative",
    fix="4cabc5b186b5",
    bad="up to 4.12",
    fixed="4.13",
    kind="operator",
    wrong="There was one lower bound, signed, and one upper bound, unsigned. x <= c set the lower "
    "one to 0. Unsigned, -8 is no greater than -1.",
    right="Signed and unsigned bounds are told apart (and since 4.14 kept apart).",
    refuted=("refine64_ule/left/s64",),
)
