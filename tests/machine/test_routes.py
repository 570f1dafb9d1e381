"""bpf_fib_lookup against a routing table, field by field."""

from __future__ import annotations

import ipaddress
import struct

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.machine import Environment, Inputs, Routes, run
from bpfsmt.program import Program, ProgramType

from .programs import asm

COPY_IN = "".join(
    f"r8 = *(u64 *)(r7 + {at})\n*(u64 *)(r10 - {64 - at}) = r8\n" for at in range(0, 64, 8)
)
COPY_OUT = "".join(
    f"r8 = *(u64 *)(r10 - {64 - at})\n*(u64 *)(r7 + {at}) = r8\n" for at in range(0, 64, 8)
)
LOOKUP = f"""
    r6 = r1
    r7 = *(u32 *)(r1 + {{data}})
    r8 = *(u32 *)(r1 + {{end}})
    r9 = r7
    r9 += 64
    r0 = 0x777
    if r9 > r8 goto out
    {COPY_IN}
    r1 = r6
    r2 = r10
    r2 += -64
    r3 = {{size}}
    r4 = {{flags}}
    call bpf_fib_lookup
    r9 = r0
    {COPY_OUT}
    r0 = r9
out:
    exit
"""
(SUCCESS, BLACKHOLE, UNREACHABLE, PROHIBIT, NOT_FWDED, FWD_DISABLED, UNSUPP_LWT, NO_NEIGH,
 FRAG_NEEDED, NO_SRC_ADDR) = range(10)  # fmt: skip
DIRECT, OUTPUT, SKIP_NEIGH, TBID, SRC = 1, 2, 4, 8, 16
ENODEV, EINVAL, EAFNOSUPPORT = -19, -22, -97


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def question(to: str, *, source: str = "", length: int = 100, ifindex: int = 1) -> bytes:
    """struct bpf_fib_lookup, as a program fills it."""
    family = 10 if ":" in to else 2
    source = source or ("2001:db8::1" if ":" in to else "192.0.2.9")
    head = struct.pack("<BBHHHII", family, 6, 0, 0, length, ifindex, 0)
    return head + packed(source).ljust(16, b"\0") + packed(to).ljust(16, b"\0") + b"\xee" * 16


class Answer:
    """The code, and the fields that say where to."""

    def __init__(self, code: int, data: bytes) -> None:
        self.code, self.data = code, data
        self.family = data[0]
        self.mtu = struct.unpack_from("<H", data, 6)[0]
        self.ifindex, self.metric = struct.unpack_from("<II", data, 8)
        self.source, self.to = data[16:32], data[32:48]
        self.vlan, self.smac, self.dmac = data[48:52], data[52:58], data[58:64]


def ask(
    routes: Routes,
    asked: bytes,
    flags: int = 0,
    *,
    size: int = 64,
    tc: bool = False,
    extra: int = 0,
) -> Answer:
    data = 76 if tc else 0
    text = LOOKUP.format(data=data, end=data + 4, size=size, flags=flags)
    program: Program = asm(f".type sched_cls\n{text}" if tc else text)
    assert program.type is (ProgramType.SCHED_CLS if tc else ProgramType.XDP)
    result = run(program, Inputs(asked + bytes(extra)), Environment(routes=routes))
    assert result.outcome == "exit" and result.r0 is not None, result
    code = (result.r0 ^ 1 << 63) - (1 << 63)
    return Answer(code, result.packet)


@pytest.fixture
def routes() -> Routes:
    table = Routes()
    table.device(1, "02:00:00:00:00:01")
    table.device(2, "02:00:00:00:00:02", mtu=1400)
    table.device(3, "02:00:00:00:00:03", forwards=False)
    table.route("10.0.0.0/8", 2, via="192.0.2.1", metric=7)
    table.route("10.1.0.0/16", 1)
    table.route("10.2.0.0/16", kind="blackhole")
    table.route("10.3.0.0/16", kind="unreachable")
    table.route("10.4.0.0/16", kind="prohibit")
    table.route("10.5.0.1/32", kind="local")
    table.route("10.6.0.0/16", 2, via="2001:db8::99", mtu=300)
    table.route("10.7.0.0/16", 1, source="10.7.0.1")
    table.route("2001:db8:1::/48", 2, via="2001:db8::99")
    table.route("172.16.0.0/12", 2, table=100)
    table.neighbour("192.0.2.1", 2, "02:00:00:00:00:99")
    table.neighbour("10.1.2.3", 1, "02:00:00:00:00:33")
    table.neighbour("10.7.0.9", 1, "02:00:00:00:00:79")
    table.neighbour("2001:db8::99", 2, "02:00:00:00:00:96")
    return table


def test_a_gateway(routes: Routes) -> None:
    answer = ask(routes, question("10.200.0.1"))
    assert (answer.code, answer.ifindex, answer.metric, answer.mtu) == (SUCCESS, 2, 7, 1400)
    assert answer.to[:4] == packed("192.0.2.1")
    assert answer.smac.hex() == "020000000002" and answer.dmac.hex() == "020000000099"
    assert answer.vlan == bytes(4)


def test_a_host_on_the_link(routes: Routes) -> None:
    answer = ask(routes, question("10.1.2.3"))
    assert (answer.code, answer.ifindex, answer.to[:4]) == (SUCCESS, 1, packed("10.1.2.3"))
    assert answer.dmac.hex() == "020000000033"


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("10.2.0.1", BLACKHOLE), ("10.3.0.1", UNREACHABLE), ("10.4.0.1", PROHIBIT),
        ("10.5.0.1", NOT_FWDED), ("11.0.0.1", NOT_FWDED), ("fe80::1", NOT_FWDED),
        ("ff02::1", NOT_FWDED), ("2001:db8:2::1", NOT_FWDED), ("10.1.9.9", NO_NEIGH),
    ],
)  # fmt: skip
def test_codes(routes: Routes, to: str, code: int) -> None:
    assert ask(routes, question(to)).code == code


def test_without_a_neighbour_the_way_is_known_all_the_same(routes: Routes) -> None:
    answer = ask(routes, question("10.1.9.9"))
    assert (answer.ifindex, answer.smac) == (1, b"\xee" * 6)
    skipped = ask(routes, question("10.1.9.9"), SKIP_NEIGH)
    assert (skipped.code, skipped.ifindex, skipped.smac) == (SUCCESS, 1, b"\xee" * 2 + b"\xee" * 4)


def test_interfaces(routes: Routes) -> None:
    assert ask(routes, question("10.1.2.3", ifindex=3)).code == FWD_DISABLED
    assert ask(routes, question("10.1.2.3", ifindex=9)).code == ENODEV
    assert ask(routes, question("10.1.2.3", ifindex=1), OUTPUT).ifindex == 1
    assert ask(routes, question("10.1.2.3", ifindex=2), OUTPUT).ifindex == 2  # 10/8 only


def test_lengths(routes: Routes) -> None:
    long = ask(routes, question("10.200.0.1", length=1401))
    assert (long.code, long.mtu, long.ifindex) == (FRAG_NEEDED, 1400, 1)
    assert ask(routes, question("10.200.0.1", length=1400)).code == SUCCESS
    assert ask(routes, question("10.6.0.1", length=301)).mtu == 300


def test_a_classifier_without_a_length_is_measured_itself(routes: Routes) -> None:
    short = ask(routes, question("10.200.0.1", length=0), tc=True)
    assert (short.code, short.mtu) == (SUCCESS, 1400)
    long = ask(routes, question("10.200.0.1", length=0), tc=True, extra=1400 + 18 - 64 + 1)
    assert (long.code, long.mtu, long.ifindex) == (FRAG_NEEDED, 1400, 2)
    given = ask(routes, question("10.200.0.1", length=1401), tc=True)
    assert (given.code, given.ifindex) == (FRAG_NEEDED, 1)


def test_the_next_version_of_the_protocol(routes: Routes) -> None:
    six = ask(routes, question("2001:db8:1::7"))
    assert (six.code, six.to, six.dmac.hex()) == (SUCCESS, packed("2001:db8::99"), "020000000096")
    mixed = ask(routes, question("10.6.0.1"))  # an IPv4 packet, a gateway with IPv6
    assert (mixed.code, mixed.family, mixed.to) == (SUCCESS, 10, packed("2001:db8::99"))
    assert mixed.dmac.hex() == "020000000096"


def test_sources(routes: Routes) -> None:
    assert ask(routes, question("10.7.0.9"), SRC).source[:4] == packed("10.7.0.1")
    assert ask(routes, question("10.7.0.9")).source[:4] == packed("192.0.2.9")
    assert ask(routes, question("2001:db8:1::7"), SRC).code == NO_SRC_ADDR


def test_tables(routes: Routes) -> None:
    assert ask(routes, question("10.5.0.1"), DIRECT).code == NOT_FWDED  # local and main are one
    asked = bytearray(question("172.16.0.1"))
    struct.pack_into("<I", asked, 48, 100)
    answer = ask(routes, bytes(asked), DIRECT | TBID | SKIP_NEIGH)
    assert (answer.code, answer.ifindex, answer.vlan) == (SUCCESS, 2, bytes(4))
    assert ask(routes, question("172.16.0.1")).code == NOT_FWDED


def test_bad_questions(routes: Routes) -> None:
    assert ask(routes, question("10.1.2.3"), 64).code == EINVAL
    assert ask(routes, question("10.1.2.3"), size=63).code == EINVAL
    assert ask(routes, b"\x07" + question("10.1.2.3")[1:]).code == EAFNOSUPPORT


def test_routes_come_and_go(routes: Routes) -> None:
    assert routes.unroute("10.1.0.0/16") and not routes.unroute("10.1.0.0/16")
    assert ask(routes, question("10.1.2.3")).ifindex == 2
    assert routes.forget("192.0.2.1", 2) and not routes.forget("192.0.2.1", 2)
    assert ask(routes, question("10.1.2.3")).code == NO_NEIGH
    routes.route("10.0.0.0/8", 1, metric=1)  # better than the one with 7
    assert ask(routes, question("10.1.2.3")).ifindex == 1


def test_an_empty_table_forwards_nothing() -> None:
    assert ask(Routes(), question("10.1.2.3")).code == NOT_FWDED


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Routes().route("10.0.0.1/8"), lambda: Routes().route("10.0.0.0/8", via="x"),
        lambda: Routes().device(1, "02:00"), lambda: Routes().device(1, "zz:00:00:00:00:00"),
        lambda: Routes().neighbour("10.0.0", 1, "02:00:00:00:00:01"),
    ],
)  # fmt: skip
def test_what_is_no_address(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(BpfsmtError):
        wrong()
