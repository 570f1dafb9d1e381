"""Helpers that compute and update checksums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.checksum import csum_diff, replaced, replaced16, replaced_by
from bpfsmt.machine.errno import EACCES, EFAULT, EINVAL, ENOTSUPP
from bpfsmt.machine.helpers.base import U32, Host

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_FIELD = 0xF  # flags: the size of the changed field
_PSEUDO, _MANGLED_0, _ENFORCE, _IPV6 = 1 << 4, 1 << 5, 1 << 6, 1 << 7
_MANGLED = 0xFFFF
_LEVEL_QUERY, _LEVEL_INC, _LEVEL_DEC, _LEVEL_RESET = range(4)
_MOST_LEVELS = 3


class ChecksumHelpers(Host):
    """Checksums in packets; those that a card computed beside the packet are not modelled."""

    def bpf_csum_diff(
        self, m: Machine, old: int, old_size: int, new: int, new_size: int, seed: int
    ) -> int:
        """The checksum's change when old bytes become new ones, as many as there are.

        Linux 6.12 answers -EINVAL unless they are multiples of 4; 6.18 does not mind.
        """
        old_size, new_size = old_size & U32, new_size & U32
        before = m.memory.read(old, old_size) if old else b""
        after = m.memory.read(new, new_size) if new else b""
        return csum_diff(before, after, seed & U32)

    def _replace(self, m: Machine, offset: int, old: int, new: int, flags: int) -> int:
        """Update the two bytes at an even offset: 0, -EFAULT or -EINVAL."""
        skb, offset = m.skb, offset & U32
        if offset > 0xFFFF or offset & 1 or not skb.writable(offset + 2):
            return EFAULT
        checksum = int.from_bytes(skb.at(offset, 2), "little")
        if flags & _MANGLED_0 and not flags & _ENFORCE and checksum == 0:
            return 0
        size = flags & _FIELD
        if size == 0 and old == 0:
            checksum = replaced_by(checksum, new & U32)
        elif size == 2:
            checksum = replaced16(checksum, old & 0xFFFF, new & 0xFFFF)
        elif size == 4:
            checksum = replaced(checksum, old & U32, new & U32)
        else:
            return EINVAL
        if flags & _MANGLED_0 and checksum == 0:
            checksum = _MANGLED
        skb.put(offset, checksum.to_bytes(2, "little"))
        return 0

    def bpf_l3_csum_replace(
        self, m: Machine, ctx: int, offset: int, old: int, new: int, flags: int
    ) -> int:
        """Update a network header's checksum for a changed field."""
        return EINVAL if flags & ~_FIELD else self._replace(m, offset, old, new, flags)

    def bpf_l4_csum_replace(
        self, m: Machine, ctx: int, offset: int, old: int, new: int, flags: int
    ) -> int:
        """Update a transport header's checksum for a changed field."""
        known = _FIELD | _PSEUDO | _MANGLED_0 | _ENFORCE | _IPV6
        return EINVAL if flags & ~known else self._replace(m, offset, old, new, flags)

    def bpf_csum_update(self, m: Machine, ctx: int, *_: int) -> int:
        """-ENOTSUPP: the packet carries no sum of its bytes."""
        return ENOTSUPP

    def bpf_csum_level(self, m: Machine, ctx: int, level: int, *_: int) -> int:
        """Note that one checksum more or less was checked, or none: 0.

        The question how many were (less one) gets -EACCES if none was.
        """
        skb = m.skb
        if level > _LEVEL_RESET:
            return EINVAL
        if level == _LEVEL_QUERY:
            return EACCES if skb.checked is None else skb.checked
        if level == _LEVEL_INC:
            skb.checked = 0 if skb.checked is None else min(skb.checked + 1, _MOST_LEVELS)
        elif level == _LEVEL_RESET or not skb.checked:
            skb.checked = None
        else:
            skb.checked -= 1
        return 0
