"""Every field of every packet's context, read and written in every width, as in the kernel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from bpfsmt.conformance import Agreement, Case, Checked, check
from bpfsmt.kernel import RunInput, available
from bpfsmt.machine.context import shape_of
from bpfsmt.program import ProgramType, load_asm
from bpfsmt.semantics.context import LAYOUTS, ContextLayout, CtxField

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")

TC = ("sched_cls", "sched_act")
TYPES = ("xdp", *TC, "socket_filter", "cgroup_skb")

MACS = bytes.fromhex("020000000001 020000000002")
TO_ALL, TO_GROUP = b"\xff" * 6 + MACS[6:], bytes.fromhex("333300000001") + MACS[6:]
IPV4, IPV6 = b"\x08\x00", b"\x86\xdd"
FRAMES = (
    MACS + IPV4 + bytes(range(0x45, 0x45 + 60)),
    TO_GROUP + IPV6 + bytes(range(0x60, 0x60 + 60)),
    bytes(12) + b"\x08\x06" + bytes(40),
    TO_ALL + b"\x00\x10" + bytes(40),
)
GIVEN: tuple[dict[str, int], ...] = (
    {}, {"mark": 7, "priority": 0x12345678, "cb": 0x1122334455667788 << 64}, {"mark": 0x80000001},
)  # fmt: skip
GIVEN_TC: tuple[dict[str, int], ...] = (
    {"tstamp": 0x1122334455}, {"wire_len": 200}, {"gso_segs": 3}, {"gso_size": 50},
    {"hwtstamp": 123456789012},
)  # fmt: skip

WRITTEN = """
    *(u32 *)(r1 + 8) = 0x11223344       ; mark
    *(u32 *)(r1 + 12) = 0xabcd          ; queue_mapping
    *(u32 *)(r1 + 32) = 0x55667788      ; priority
    *(u32 *)(r1 + 44) = 0x12345         ; tc_index
    *(u32 *)(r1 + 72) = 0x16789         ; tc_classid
    r2 = 0xa888
    r3 = 0x4321
    call bpf_skb_vlan_push
    r1 = r6
    r2 = 0x09abcdef
    call bpf_set_hash
"""
"""For traffic control: numbers in fields that are 0 at first."""

PROGRAM = """
    .type {kind}
    .map seen type=array key=4 value={size} entries=1
        r6 = r1
        {first}
        *(u32 *)(r10 - 4) = 0
        r1 = map[seen]
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        {body}
    out:
        r0 = 0
        exit
"""

Access = tuple[int, int]
"""Offset and size."""


def accesses(layout: ContextLayout, f: CtxField, *, write: bool) -> list[Access]:
    """All that a program may do with a field."""
    return [
        (at, size)
        for size in (1, 2, 4, 8)
        for at in range(f.offset, f.offset + f.size - size + 1, size)
        if layout.access(at, size, write=write) is not None
    ]


def compared(kind: str, body: Sequence[str], inputs: Sequence[RunInput], first: str) -> Checked:
    """What the lines store at R0 is compared; ``{n}`` in a line is where."""
    lines = "\n".join(line.format(n=8 * n) for n, line in enumerate(body))
    text = PROGRAM.format(kind=kind, size=8 * len(body), first=first, body=lines)
    return check(Case("files", kind, load_asm(text, "test"), tuple(inputs)))


def reads(kind: str, f: CtxField, first: str = "") -> Checked:
    layout = LAYOUTS[ProgramType(kind)]
    body = [
        f"r7 = *(u{8 * size} *)(r6 + {at})\n*(u64 *)(r0 + {{n}}) = r7"
        for at, size in accesses(layout, f, write=False)
    ]
    given = ({},) if kind == "xdp" else GIVEN + (GIVEN_TC if kind in TC else ())
    inputs = [RunInput(frame, ctx) for frame in FRAMES for ctx in given]
    return compared(kind, body, inputs, first)


def scalars(kind: str) -> Iterator[CtxField]:
    """A test run has no ``egress_ifindex``: only a devmap's program may ask for it."""
    fields = LAYOUTS[ProgramType(kind)].fields
    return (f for f in fields if f.kind == "scalar" and f.name != "egress_ifindex")


@pytest.mark.parametrize("kind", TYPES)
def test_every_field_is_read_alike(kind: str) -> None:
    for f in scalars(kind):
        found = reads(kind, f)
        assert found.agreement is Agreement.SAME, (f.name, found.why, *map(str, found.differences))
        assert found.pairs == len(found.case.inputs)


@pytest.mark.parametrize("kind", TC)
def test_every_field_is_read_alike_when_it_holds_a_number(kind: str) -> None:
    for f in scalars(kind):
        found = reads(kind, f, WRITTEN)
        assert found.agreement is Agreement.SAME, (f.name, found.why, *map(str, found.differences))


NUMBERS = (0, 1, 0x7FFF, 0xFFFE, 0xFFFF, 0x10000, 0x10001, 0x12345678, 0xFFFFFFFF)


@pytest.mark.parametrize("kind", TYPES)
def test_every_write_is_kept_alike(kind: str) -> None:
    layout = LAYOUTS[ProgramType(kind)]
    for f in layout.fields:
        body = [
            f"r7 = {number:#x} ll\n*(u{8 * size} *)(r6 + {at}) = r7\n"
            f"r7 = *(u{8 * size} *)(r6 + {at})\n*(u64 *)(r0 + {{n}}) = r7"
            for at, size in accesses(layout, f, write=True)
            for number in NUMBERS
        ]
        if body:
            found = compared(kind, body, [RunInput(FRAMES[0])], "")
            assert found.agreement is Agreement.SAME, (f.name, *map(str, found.differences))


def test_a_machine_that_forgets_what_the_kernel_keeps_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The planted bug: every field is read where it is asked for, and keeps all its bytes."""
    layout = LAYOUTS[ProgramType.SCHED_CLS]
    plain = replace(layout, fields=tuple(replace(f, kept=0) for f in layout.fields))
    monkeypatch.setitem(LAYOUTS, ProgramType.SCHED_CLS, plain)
    shape_of.cache_clear()
    try:
        (protocol,) = (f for f in layout.fields if f.name == "protocol")
        assert reads("sched_cls", protocol).agreement is Agreement.DIFFERENT
        (index,) = (f for f in layout.fields if f.name == "tc_index")
        assert reads("sched_cls", index, WRITTEN).agreement is Agreement.DIFFERENT
    finally:
        shape_of.cache_clear()
