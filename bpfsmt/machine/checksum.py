"""The Internet checksum (RFC 1071, updates as in RFC 1624), as the kernel's helpers see it.

Words are in the byte order of a little-endian machine; subtraction adds the complement.
"""

from __future__ import annotations

import struct

_U32 = 0xFFFFFFFF


def folded(total: int) -> int:
    """A one's complement sum in 16 bits: carries are added back in.

    >>> hex(folded(0x2FFFF))
    '0x2'
    """
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _added(a: int, b: int) -> int:
    """One's complement sum in 32 bits."""
    total = a + b
    return (total + (total >> 32)) & _U32


def _summed(data: bytes, start: int) -> int:
    """One's complement sum in 32 bits of the bytes and a number (``csum_partial``).

    A sum that is 0 has two forms: carries that come around leave all ones, and zeros stay
    only where nothing but zeros was added.
    """
    padded = data + bytes(-len(data) % 4)
    total = start + sum(struct.unpack(f"<{len(padded) // 4}I", padded))
    return (total - 1) % _U32 + 1 if total else 0


def csum_diff(before: bytes, after: bytes, seed: int) -> int:
    """``seed`` plus the sum of ``after`` minus that of ``before``, in 16 bits.

    Linux 6.18, ``bpf_csum_diff``: folded to 16 bits since 6.13 (on x86 before: 32 bits that
    fold to the same).

    >>> csum_diff(b"\\x01\\x00\\x00\\x00", b"\\x03\\x00\\x00\\x00", 0)
    2
    """
    if after and before:
        total = _added(_summed(after, seed), ~_summed(before, 0) & _U32)
    elif after:
        total = _summed(after, seed)
    else:
        total = ~_summed(before, ~seed & _U32) & _U32 if before else seed
    return folded(total)


def replaced(checksum: int, old: int, new: int) -> int:
    """The checksum after a field of up to 32 bits changed from ``old`` to ``new``.

    >>> hex(replaced(0x1234, 5, 5))
    '0x1234'
    """
    total = _added(~checksum & 0xFFFF, ~old & _U32)
    return ~folded(_added(total, new)) & 0xFFFF


def replaced16(checksum: int, old: int, new: int) -> int:
    """As `replaced`, for a field of 16 bits."""
    total = folded((~checksum & 0xFFFF) + (~old & 0xFFFF))
    return ~folded(total + new) & 0xFFFF


def replaced_by(checksum: int, difference: int) -> int:
    """The checksum after a change whose sum, as `csum_diff` gives it, is ``difference``."""
    return ~folded(_added(difference, ~checksum & 0xFFFF)) & 0xFFFF
