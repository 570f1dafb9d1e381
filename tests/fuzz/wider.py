"""A rule file that is sound and not Linux's: nothing is known of sums.

Only a kernel that knows more can tell.
"""

import os

from bpfsmt.agree.choice import rules_for
from bpfsmt.bits import rule
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules import rule_set


@rule
def alu64_add(a: Scalar, b: Scalar) -> Scalar:
    """Nothing is known of a sum."""
    return UNKNOWN


RULES = rule_set(rules_for(os.uname().release)).derive("wider", alu64_add)
