"""What else differs in Linux 6.1: narrow loads, links, splits, returns, subsumption."""

from __future__ import annotations

from bpfsmt.bits import replace, rule, s64, u32, u64
from bpfsmt.domain.scalar import UNKNOWN, Scalar
from bpfsmt.rules.linux.branch_6_1 import combine_64_into_32
from bpfsmt.rules.linux.widen import known
from bpfsmt.rules.tnum import tnum_cast


@rule
def low_bits(r: Scalar, bits: u64) -> Scalar:
    """The low ``bits``, zero-extended (kernel 6.1 ``coerce_reg_to_size``).

    Four bytes are not synced: the low half's ranges hold of them as they are.
    """
    keep = (u64(1) << bits) - 1
    same = r.umin & ~keep == r.umax & ~keep
    lo = r.umin & keep if same else u64(0)
    hi = r.umax & keep if same else keep
    left = tnum_cast(r.var_off, bits >> 3)
    cut = replace(r, var_off=left, umin=lo, umax=hi, smin=s64(lo), smax=s64(hi))
    return cut if bits >= 32 else combine_64_into_32(cut)


@rule
def spill_tracked(r: Scalar) -> bool:
    """Only a bounded number is remembered when spilled (kernel 6.1 ``register_is_bounded``).

    Not 0 either: its bytes are zeros.
    """
    return r != UNKNOWN and r != known(0)


@rule
def sync_linked(reg: Scalar, source: Scalar, reg_off: s64, source_off: s64, add32: bool) -> Scalar:
    """A copy (kernel 6.1 ``find_equal_scalars``): links have no distance yet, offsets are 0."""
    return source


@rule
def links_mov(src: Scalar) -> bool:
    """Every copied number gets an id (kernel 6.1 ``check_alu_op``)."""
    return True


@rule
def links_mov32(src: Scalar) -> bool:
    """A 32-bit move never keeps the link."""
    return False


@rule
def links_add(n: Scalar) -> bool:
    """Any arithmetic ends the link."""
    return False


@rule
def fork_scalars(dst: Scalar) -> tuple[bool, Scalar, Scalar]:
    """No splits."""
    return False, dst, dst


@rule
def retval_cpu(r: Scalar, cpus: u32) -> Scalar:
    """Nothing is said of ``bpf_get_smp_processor_id`` (kernel 6.1 ``do_refine_retval_range``)."""
    return r


@rule
def link_subsumes(
    old_id: u32, old_added: bool, old_off: s64, new_id: u32, new_added: bool, new_off: s64
) -> bool:
    """Ids of numbers are not compared (kernel 6.1 ``regsafe``): unsound with linked registers."""
    return True


@rule
def link_names(id_: u32) -> tuple[u32, u32]:
    """Numbers go by no name (kernel 6.1 ``regsafe``): unsound with linked registers."""
    return 0, 0


@rule
def id_pair_ok(old: u32, new: u32) -> bool:
    """Any id may stand for any (kernel 6.1 ``check_ids``)."""
    return True


@rule
def id_pairs_agree(old_a: u32, new_a: u32, old_b: u32, new_b: u32) -> bool:
    """An old id stands for one new id, but two may stand for the same."""
    return old_a != old_b or new_a == new_b
