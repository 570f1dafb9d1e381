"""A rule that changes nothing but the length of walks: states cover none but their equals."""

from bpfsmt.bits import rule
from bpfsmt.domain import Scalar
from bpfsmt.rules import rule_set


@rule
def scalar_subsumes(old: Scalar, new: Scalar) -> bool:
    """Whether both say just the same."""
    return (
        old.var_off.value == new.var_off.value
        and old.var_off.mask == new.var_off.mask
        and old.umin == new.umin
        and old.umax == new.umax
        and old.smin == new.smin
        and old.smax == new.smax
    )


RULES = rule_set("linux-6.12").derive("no-pruning", scalar_subsumes)
