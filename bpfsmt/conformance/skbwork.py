"""Random calls of the helpers on socket buffers, with random arguments.

All answers are folded into the program's own, and so is what the context says afterwards.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable, Iterator

from bpfsmt.conformance.case import Case
from bpfsmt.conformance.folding import FOLD
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import Program, load_asm

_READERS = ("socket_filter", "cgroup_skb")
"""Types that cannot change the packet."""

_FIELDS = {"len": 0, "pkt_type": 4, "protocol": 16, "vlan_present": 20, "vlan_tci": 24,
          "vlan_proto": 28}  # fmt: skip
_FOLD_FIELDS = "".join(f"r0 = *(u32 *)(r6 + {at})\n{FOLD}" for at in _FIELDS.values())

_CALLS: dict[str, Callable[[random.Random], tuple[int, ...]]] = {
    "bpf_skb_vlan_push": (
        lambda r: (r.choice((0x0081, 0xA888, 0x0008)), r.choice((0, 5, 0x0FFF, 0x1FFF, 0x12345)))
    ),
    "bpf_skb_vlan_pop": lambda r: (),
    "bpf_skb_change_tail": lambda r: (
        r.choice((0, 13, 14, 15, 33, 64, 100, 1500, 16064, 16065, 1 << 31)), r.choice((0, 0, 0, 1))
    ),
    "bpf_skb_change_head": lambda r: (
        r.choice((0, 1, 14, 100, 1000, 16000, 1 << 30)), r.choice((0, 0, 0, 1))
    ),
    "bpf_skb_change_proto": lambda r: (
        r.choice((0x0008, 0xDD86, 0x0608, 0x10008)), r.choice((0, 0, 0, 1))
    ),
    "bpf_skb_change_type": lambda r: (r.choice((0, 1, 2, 3, 4, 7, 1 << 31)),),
    "bpf_skb_pull_data": lambda r: (r.choice((0, 14, 60, 200, 1 << 31)),),
    "bpf_skb_adjust_room": lambda r: (
        r.choice((0, 4, 8, 20, 50, 0xFFF, 0x1000, -4, -8, -20, -28, -40, -0x1000)),
        r.choice((0, 1, 0, 1, 2)),
        r.choice((0, 0, 0, 1, 2, 4, 6, 2 | 8, 2 | 16, 4 | 8, 2 | 8 | 16, 32, 64, 2 | 64, 128,
                  256, 384, 512, 2 | 14 << 56, 2 | 64 | 14 << 56, 4 | 64 | 20 << 56)),
    ),
    "bpf_l3_csum_replace": lambda r: (
        r.choice((0, 24, 25, 50, 62, 63, 1 << 16)), r.choice((0, 1, 0x1234, 0xFFFF, 0xFFFFFFFF)),
        r.choice((0, 1, 0x1234, 0xFFFF, 0xFFFFFFFF, 0x1FFFFFFFF)),
        r.choice((0, 2, 4, 2, 4, 1, 8, 16)),
    ),
    "bpf_l4_csum_replace": lambda r: (
        r.choice((0, 24, 36, 50, 62)), r.choice((0, 1, 0x1234, 0xFFFF, 0xFFFFFFFF)),
        r.choice((0, 1, 0x1234, 0xFFFF, 0xFFFFFFFF)),
        r.choice((0, 2, 4)) | r.choice((0, 0x10, 0x20, 0x40, 0x60, 0x30, 0x100)),
    ),
    "bpf_csum_level": lambda r: (r.choice((0, 1, 2, 3, 4)),),
    "bpf_csum_update": lambda r: (5,),
}  # fmt: skip


_GROW = ("bpf_skb_change_head", "bpf_skb_adjust_room", "bpf_skb_change_proto", "bpf_skb_vlan_push")
_SHORTEN = ("bpf_skb_change_tail",)
"""In a test run nobody has said where the transport header is.  When the headroom has to
grow, that "nowhere" moves along and becomes a place, and with it the shortest length that
`bpf_skb_change_tail` grants; packets from a network always have a transport header."""


def _call(rng: random.Random, *, late: bool) -> str:
    """One call with the context and constants, whose answer is folded into R9."""
    kind = rng.random()
    if kind < 0.12:
        return _load_bytes(rng)
    if kind < 0.24:
        return _store_bytes(rng)
    name = rng.choice(list(_CALLS) if not late else [n for n in _CALLS if n not in _SHORTEN])
    args = _CALLS[name](rng)
    lines = [
        "r1 = r6",
        *(f"r{n} = {arg} ll" for n, arg in enumerate(args, start=2)),
        f"call {name}",
    ]
    return "\n".join(lines) + "\n" + FOLD


def _load_bytes(rng: random.Random) -> str:
    relative = rng.random() < 0.5
    offset = rng.choice((0, 1, 14, 30, 50, 63, 64, 100, 0xFFFF, 0x10000, 1 << 31))
    name = "bpf_skb_load_bytes_relative" if relative else "bpf_skb_load_bytes"
    start = f"r5 = {rng.choice((0, 1, 2))}\n" if relative else ""
    return f"""
        r1 = r6
        r2 = {offset} ll
        r3 = r10
        r3 += -8
        r4 = {rng.choice((1, 4, 8))}
        {start}
        call {name}
        {FOLD}
        r0 = *(u64 *)(r10 - 8)
        {FOLD}
    """


def _store_bytes(rng: random.Random) -> str:
    return f"""
        r1 = r6
        r2 = {rng.choice((0, 1, 12, 14, 30, 60, 64, 1 << 31))} ll
        r3 = r10
        r3 += -16
        r4 = {rng.choice((1, 4, 8))}
        r5 = {rng.choice((0, 0, 1, 2, 3, 4))}
        call bpf_skb_store_bytes
        {FOLD}
    """


def _program_text(rng: random.Random) -> str:
    calls: list[str] = []
    for _ in range(rng.choice((2, 5, 10))):
        calls.append(_call(rng, late=any(name in text for name in _GROW for text in calls)))
    body = "".join(calls)
    return f"""
        r6 = r1
        r9 = 0
        *(u64 *)(r10 - 8) = 0
        r0 = 0x1122334455667788 ll
        *(u64 *)(r10 - 16) = r0
        {body}
        {_FOLD_FIELDS}
        r0 = r9
        exit
    """


_MACS = bytes.fromhex("020000000001 020000000002")


def _frame(rng: random.Random) -> bytes:
    ethertype = rng.choice((0x0800, 0x0800, 0x86DD, 0x8100, 0x88A8, 0x0806, 0x0010))
    rest = rng.randbytes(rng.choice((46, 50, 80)))
    tags = b""
    while ethertype in (0x8100, 0x88A8):
        tags += struct.pack(">HH", ethertype, rng.getrandbits(16))
        ethertype = rng.choice((0x0800, 0x86DD, 0x8100, 0x0003))
    return _MACS + tags + struct.pack(">H", ethertype) + rest


def _reader(rng: random.Random, kind: str) -> Program:
    """A program that reads bytes anywhere in the packet."""
    body = "".join(_load_bytes(rng) for _ in range(4))
    text = f"r6 = r1\nr9 = 0\n*(u64 *)(r10 - 8) = 0\n{body}r0 = r9\nr0 &= 1\nexit"
    return load_asm(f".type {kind}\n{text}", "helpers")


def skb_cases(numbers: Iterable[int], inputs: int, seed: int) -> Iterator[Case]:
    """The programs of these numbers, each on so many packets; the same for the same seed."""
    for number in numbers:
        rng = random.Random(f"skb helpers {seed} {number}")
        kind = rng.choice(("sched_cls", "sched_act", "sched_cls", "sched_act", *_READERS))
        if kind in _READERS:
            program = _reader(rng, kind)
        else:
            program = load_asm(f".type {kind}\n{_program_text(rng)}", "helpers")
        packets = tuple(RunInput(_frame(rng)) for _ in range(inputs))
        yield Case("helpers", f"skb helpers {seed}.{number}", program, packets)
