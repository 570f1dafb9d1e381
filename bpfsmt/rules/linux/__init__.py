"""The scalar rules of Linux, with 32-bit subregister ranges, release by release.

`v6_12` extends the paper's rule set; the other releases override `v6_12`.  All registers are
`Scalar`s, a link or a pointer's offset is passed beside them.  By file:

- ``sync``: `sync` (``reg_bounds_sync``) by stages, `meet_u64` and so on; `contradicts(r)`,
  `checked(r)`.
- ``widen``: `forget32(r)`, `forget64(r)`, `known(x)`, `known32(r, low)`.
- ``alu``, ``shift``: ``alu64_OP(a, b)``, ``alu32_OP(a, b)`` for add sub mul and or xor, lsh rsh
  arsh, each a core and a `sync` or `zext32`; `zext32(r)` is the 32-bit move.
- ``opaque``: div, mod, sdiv, smod, neg, `swap_bytes(r, bits)` and `keep_bytes(r, bits)` (a
  BPF_END that exchanges bytes, or not), of which 6.12 knows nothing.
- ``extend``: `low_bits(r, bits)`, `movsx64(r, bits)`, `movsx32(r, bits)`.
- ``loads``: `load(size)`, `load_sext(size)`, `fill(r, size)`, `fill_sext(r, size)`,
  `spill_tracked(r)`, `store_imm(imm)`.
- ``taken``: ``taken64_COND(a, b)``, ``taken32_COND(a, b)``: 1, 0 or -1, for eq ult ule slt sle set;
  asked only if `decides64(dst, src)`, `decides32(dst, src)`.
- ``branch``: ``refine64_COND(a, b)``, ``refine32_COND(a, b)``: both operands where the condition
  holds, for eq ne ult ule slt sle set nset (the two results of ``if r1 < r1`` are of one
  register: `of_itself(a, left, right)`); `other_arm(k, used)`; `range_within(old, new)`,
  `scalar_empty(r)`.
- ``links``: `linked(reg, source, reg_off, source_off, reg_width, source_width) -> Scalar`, by
  `sync_linked` and `links_narrow`, if `links_mix(reg_width, source_width)`; what makes or keeps
  a link: `links_mov(src)`, `links_mov32(src)`, `links_movsx(src, bits)`, `links_add(n)`,
  `links_spill(r, size)`, `links_fill(r, size)`, `links_fill_sext(r, size)`; after 6.12 also
  `links_sub(n)`, `links_add32(dst, n)`, `links_sub32(dst, n)`, `links_keep(src, bits)`; never
  `links_swap(src, bits)`.
- ``fork``: `fork_scalars(dst) -> (split, zero, ones)`, before AND and OR with a known operand;
  `fork_again()`.
- ``pointer``: `offset_tainted(n)`, `offset_sane(n, off)`, `nullable_moves(n)`,
  `pointer_add(var, off, n) -> Moved`, `pointer_sub(var, off, n) -> Moved`, `range_kept(n)`.
- ``access``: `region_access_ok(var, off, size, limit)`, `stack_access_ok(var, off, size, lowest)`,
  `stack_reach(var, off)`, `size_arg_ok(n, zero_ok)`, `index_known(index, entries)`;
  `packet_access_ok` and `access_aligned` are those of `bpfsmt.rules.access`.
- ``packet``: `packet_range(var, off, room)`, `packet_end_range(beyond)`, `taken_pkt_le(range)`,
  `taken_pkt_lt(range)`.
- ``retval``: `retval_length(r, longest)`, `retval_cpu(r, cpus)`, `retval_range(r, lo, hi)`,
  `retval_within(r, lo, hi, narrow)`.
- ``emitted``: ``emitted_OP(dst, src) -> Emitted`` for div32 to smod64: the code that runs.
- ``subsume``: `scalar_subsumes(old, new)`, `pointer_subsumes(old, new, old_off, new_off)`,
  `packet_subsumes(old, new, old_off, new_off, old_range, new_range)`,
  `pointer_equal(old, new, old_off, new_off)`, `link_subsumes(old_id, old_added, old_off, new_id,
  new_added, new_off)`, `link_names(id_)`, `id_pair_ok(old, new)`, `id_pairs_agree(old_a, new_a,
  old_b, new_b)`; `widened(old, new)`.

Files named after a release hold what that release says otherwise, `corrected` what 6.12 and 6.18
have wrong.  After arithmetic, and of
both operands of a compare, 6.12 and 6.18 take `checked(r)` (``reg_bounds_sanity_check``).
"""
