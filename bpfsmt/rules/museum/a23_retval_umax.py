"""A signed upper bound of a return value that was taken for an unsigned one (up to Linux 5.6)."""

from __future__ import annotations

from bpfsmt.bits import replace, rule, s32, s64, u64
from bpfsmt.domain.scalar import Scalar
from bpfsmt.rules.linux.retval import MAX_ERRNO
from bpfsmt.rules.linux.sync import sync
from bpfsmt.rules.linux.v6_1 import RULES as LINUX
from bpfsmt.rules.museum.exhibit import Exhibit


@rule
def retval_length(r: Scalar, longest: s64) -> Scalar:
    """R0 of a helper that returns a length or an error, in Linux 5.6: never above ``longest``."""
    wide = replace(r, smin=-MAX_ERRNO, smax=longest, umax=u64(longest))
    return sync(replace(wide, s32min=-MAX_ERRNO, s32max=s32(longest)))


EXHIBIT = Exhibit(
    LINUX.derive("museum/a23-retval-umax", retval_length),
    number="A23",
    title="a helper's error is bounded as if it were a length",
    fix="100605035e15",
    introduced="849fa50662fb (4.18)",
    bad="4.18 to 5.6",
    fixed="5.7",
    kind="operator",
    wrong="What bpf_get_stack and its kin return is at most the buffer's size, or a negative "
    "error. That bound was set on umax too, from which it follows that there are no errors.",
    right="Only the signed upper bound is set.",
    refuted=("retval_length/u64",),
)
