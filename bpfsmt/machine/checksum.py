"""The Internet checksum (RFC 1071, updates as in RFC 1624), as the kernel's helpers see it.

Words are in the byte order of a little-endian machine; subtraction adds the complement.
"""

from __future__ import annotations

_U32 = 0xFFFFFFFF


def folded(total: int) -> int:
    """A one's complement sum in 16 bits: carries are added back in.

    >>> hex(folded(0x2FFFF))
    '0x2'
    """
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]


def csum_diff(before: bytes, after: bytes, seed: int) -> int:
    """``seed`` plus the sum of ``after`` minus that of ``before``, in 16 bits.

    Linux folds the result to 16 bits since 6.13 (on x86 before: 32 bits that fold to the
    same).

    >>> csum_diff(b"\\x01\\x00\\x00\\x00", b"\\x03\\x00\\x00\\x00", 0)
    2
    """
    total = seed + sum(_words(after)) + sum(0xFFFF - word for word in _words(before))
    return folded(total)


def _added(a: int, b: int) -> int:
    """One's complement sum in 32 bits."""
    total = a + b
    return (total + (total >> 32)) & _U32


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
