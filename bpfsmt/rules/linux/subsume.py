"""When what was verified for an old register holds for a new one (Linux 6.12 ``regsafe``).

Registers one by one here; ids tie them together.  ``check_ids`` keeps pairs (old id, new
id): every pair must be `id_pair_ok`, and every two pairs `id_pairs_agree`.
"""

from __future__ import annotations

from bpfsmt.bits import rule, s64, u32
from bpfsmt.domain.reg import ADD_CONST, ADD_CONST32
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.linux.branch import range_within
from bpfsmt.rules.tnum import tnum_in


@rule
def scalar_subsumes(old: Scalar, new: Scalar) -> bool:
    """γ(new) lies inside γ(old).  (An old scalar that is not precise needs no such check.)"""
    return range_within(old, new) and tnum_in(old.var_off, new.var_off)


@rule
def pointer_subsumes(old: Scalar, new: Scalar, old_off: s64, new_off: s64) -> bool:
    """Pointers into a map value or other memory: one fixed offset, smaller variable part."""
    return old_off == new_off and scalar_subsumes(old, new)


@rule
def packet_subsumes(
    old: Scalar, new: Scalar, old_off: s64, new_off: s64, old_range: s64, new_range: s64
) -> bool:
    """Packet pointers: at least as much of the packet is known to be there.

    A negative range says that the pointer is at or beyond the packet's end, and must be
    the same.
    """
    marked = old_range < 0 or new_range < 0
    ranges = old_range == new_range if marked else old_range <= new_range
    return ranges and old_off == new_off and scalar_subsumes(old, new)


@rule
def pointer_equal(old: Scalar, new: Scalar, old_off: s64, new_off: s64) -> bool:
    """All other pointers (stack, context, ...): nothing may differ (``regs_exact``)."""
    return old_off == new_off and old == new


@rule
def link_subsumes(
    old_id: u32, old_added: bool, old_off: s64, new_id: u32, new_added: bool, new_off: s64
) -> bool:
    """Whether the new link of a scalar says what the old one says.

    ``added`` is ``BPF_ADD_CONST``.  An old scalar without an id says nothing; otherwise the
    ids go through `id_pairs_agree`, where a new id of 0 is a fresh one (`check_scalar_ids`).
    """
    if old_id == 0:
        return True
    return old_added == new_added and (not old_added or old_off == new_off)


@rule
def link_names(id_: u32) -> tuple[u32, u32]:
    """The names of a linked number, each of which goes through `id_pairs_agree`.

    The first is that of its link, with the flags of an addition, the second that of what it is
    linked to.  (Linux 6.12 ``check_scalar_ids`` of both; 0 is no name.)
    """
    return id_, id_ & ~u32(ADD_CONST | ADD_CONST32)


@rule
def id_pair_ok(old: u32, new: u32) -> bool:
    """Ids of pointers: both are there, or neither is."""
    return (old != 0) == (new != 0)


@rule
def id_pairs_agree(old_a: u32, new_a: u32, old_b: u32, new_b: u32) -> bool:
    """Two pairs of ids fit: the old ids are the same if and only if the new ones are."""
    return (old_a == old_b) == (new_a == new_b)


@rule
def widened(old: Scalar, new: Scalar) -> Scalar:
    """What a loop goes on with: new if it is just as it was before, else any number.

    ``widen_imprecise_scalars``, of numbers that need not be precise, at calls of iterators
    and at ``may_goto``.
    """
    return new if old == new else UNKNOWN
