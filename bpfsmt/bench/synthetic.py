"""Large programs to verify: as long as a datapath's, and walked as often as is asked for."""

from __future__ import annotations

from bpfsmt.program import Program, load_asm

_BYTES = 64
_SLOTS = 16

_HEAD = f"""
r7 = *(u32 *)(r1 + 0)
r8 = *(u32 *)(r1 + 4)
r0 = 1
r2 = r7
r2 += {_BYTES}
if r2 > r8 goto out
r6 = 0
r9 = 0
round:
"""

_BLOCK = """
r1 = *(u8 *)(r7 + {byte})
r1 &= 63
r2 = r1
r2 += {n}
if r1 > 31 goto over{n}
r2 <<= 1
over{n}:
*(u64 *)(r10 - {slot}) = r2
r3 = *(u64 *)(r10 - {slot})
r9 += r3
w3 ^= w2
r4 = r3
r4 >>= 3
r4 *= 5
w5 = w4
w5 += {n}
r5 |= 1
*(u32 *)(r10 - 136) = r5
r4 = *(u32 *)(r10 - 136)
r4 &= 255
r9 ^= r4
"""

_TAIL = """
r6 += 1
if r6 < {rounds} goto round
r0 = 2
out:
exit
"""


def rounds(blocks: int, count: int) -> Program:
    """``count`` rounds through so many blocks of twenty instructions.

    Every block reads the packet, spills, fills and branches; both arms come together again
    with numbers that differ but do not matter.  No two rounds have the same state, so all
    are walked, and of the second arms what lies before the next explored state: together
    about four times ``20 * blocks * count``.  At most 8192 arms may wait, so ``blocks *
    count`` must be less.

    >>> len(rounds(250, 20))
    5012
    """
    body = "".join(
        _BLOCK.format(n=n, byte=n % _BYTES, slot=8 * (1 + n % _SLOTS)) for n in range(blocks)
    )
    return load_asm(_HEAD + body + _TAIL.format(rounds=count), f"rounds_{blocks}x{count}")


def counting(count: int) -> Program:
    """A loop of eight instructions that counts: one path, nothing waits, nothing is alike.

    >>> len(counting(5))
    12
    """
    return load_asm(
        f"""
        r6 = 0
        r7 = 0
        round:
        r6 += 1
        r7 += 3
        r7 ^= r6
        r3 = r7
        r3 &= 255
        *(u64 *)(r10 - 8) = r3
        r4 = *(u64 *)(r10 - 8)
        if r6 < {count} goto round
        r0 = 0
        exit
        """,
        f"counting_{count}",
    )
