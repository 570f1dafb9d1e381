"""The scalar rules of Linux, with 32-bit subregister ranges, release by release.

`v6_12` extends the paper's rule set; the other releases override `v6_12`.  All registers are
`Scalar`s, a link or a pointer's offset is passed beside them.  By file:

- ``sync``: `sync` (``reg_bounds_sync``) by stages, `meet_u64` and so on.
- ``widen``: `forget32(r)`, `forget64(r)`, `known(x)`, `known32(r, low)`.
- ``alu``: ``alu64_OP(a, b)``, ``alu32_OP(a, b)`` for add sub mul and or xor lsh rsh arsh, each a
  core and a `sync` or `zext32`; `zext32(r)` is the 32-bit move.
- ``opaque``: div, mod, sdiv, smod, neg and `byte_swap(r, bits)`, of which 6.12 knows nothing.
- ``extend``: `low_bits(r, bits)`, `movsx64(r, bits)`, `movsx32(r, bits)`.
- ``loads``: `load(size)`, `load_sext(size)`, `fill(r, size)`, `fill_sext(r, size)`.
- ``branch``: ``taken64_COND(a, b)``, ``taken32_COND(a, b)``: 1, 0 or -1; ``refine64_COND(a, b)``,
  ``refine32_COND(a, b)``: both operands where the condition holds, for eq ne ult ule slt sle
  set nset; `range_within(old, new)`, `scalar_empty(r)`.
- ``links``: `sync_linked(reg, source, reg_off, source_off, add32) -> Scalar`; what keeps or makes
  a link: `links_mov(src)`, `fits_bits(r, bits)` (32-bit move, narrow spill and fill),
  `links_movsx(src, bits)`, `links_add(n)`.
- ``fork``: `fork_scalars(dst) -> (split, zero, ones)`, before AND and OR with a known operand.
- ``pointer``: `offset_tainted(n)`, `offset_sane(n, off)`, `pointer_add(var, off, n) -> Moved`,
  `pointer_sub(var, off, n) -> Moved`, `range_kept(n)`, `region_access_ok(var, off, size, limit)`,
  `packet_range(var, off, room)`, `packet_end_range(beyond)`, `taken_pkt_le(range)`,
  `taken_pkt_lt(range)`; `packet_access_ok` is that of `bpfsmt.rules.access`.
- ``retval``: `retval_length(r, longest)`, `retval_cpu(r, cpus)`, `retval_range(r, lo, hi)`,
  `retval_within(r, lo, hi, narrow)`.
- ``subsume``: `scalar_subsumes(old, new)`, `pointer_subsumes(old, new, old_off, new_off)`,
  `packet_subsumes(old, new, old_off, new_off, old_range, new_range)`,
  `pointer_equal(old, new, old_off, new_off)`, `link_subsumes(old_id, old_added, old_off, new_id,
  new_added, new_off)`, `id_pair_ok(old, new)`, `id_pairs_agree(old_a, new_a, old_b, new_b)`.
"""
