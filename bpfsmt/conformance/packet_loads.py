"""The deprecated packet loads of RFC 9669, section 5.5: inside the packet and beyond it."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.conformance.case import Case
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import load_asm

_FRAME = bytes.fromhex("020000000002 020000000001 88b5") + bytes(range(0x80, 0xB2))
_OFFSETS = (0, 1, 12, 60, 61, 62, 63, 64, 65, (1 << 31) - 1)
_SIZES = ("u8", "u16", "u32")

_TEXT = """
.type sched_cls
    r6 = r1
    r8 = *(u32 *)(r1 + 8)           ; the mark
    r0 = 7
    r7 = 1
    r0 = *({size} *)skb[{where}]
    r0 += r7
    exit
"""


def packet_loads() -> Iterator[Case]:
    """A case for each width and offset: at a constant, and at a register's and more."""
    for size in _SIZES:
        for offset in _OFFSETS:
            text = _TEXT.format(size=size, where=offset)
            name = f"r0 = *({size} *)skb[{offset}]"
            yield Case("edges", name, load_asm(text, "edge"), (RunInput(_FRAME),))
        for more in (0, 2):
            text = _TEXT.format(size=size, where=f"r8 + {more}")
            inputs = tuple(RunInput(_FRAME, {"mark": offset}) for offset in _OFFSETS)
            name = f"r0 = *({size} *)skb[r8 + {more}]"
            yield Case("edges", name, load_asm(text, "edge"), inputs)
