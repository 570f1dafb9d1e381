"""bpf_fib_lookup beside a kernel that routes: one in a virtual machine, set up for it.

The running kernel is asked to load and to test-run programs, and nothing is changed in it.  In
the machine there is a loopback interface alone, which is enough for IPv4: prefixes, tables, kinds
of routes, gateways, MTUs, sources, neighbours.  IPv6 routes do not leave by a loopback, so
of those there are the ones that refuse packets.
"""

from __future__ import annotations

import random
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from bpfsmt.conformance import Agreement, Case, Checked, check
from bpfsmt.errors import OracleError
from bpfsmt.kernel import RunInput
from bpfsmt.kernel.target import asking
from bpfsmt.kernel.vm import VirtualMachine, machine, vm_oracle
from bpfsmt.kernel.vm.initramfs import Entry, archive, compiled, find_compiler
from bpfsmt.machine import Environment, Routes
from bpfsmt.machine.helpers.fib import FibHelpers
from bpfsmt.program import load_asm

from .fib import netlink
from .test_routes import DIRECT, LOOKUP, OUTPUT, SKIP_NEIGH, SRC, TBID, packed

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "fib"
SELF, OTHER = "10.99.0.1", "10.99.0.2"
"""The host's own addresses; the first is what it sends from where a route says nothing."""

ROUTES: list[dict[str, object]] = [
    {"prefix": "0.0.0.0/0", "via": "192.0.2.254", "metric": 1024},
    {"prefix": "10.0.0.0/8", "via": "192.0.2.1", "metric": 7},
    {"prefix": "10.0.0.0/8", "via": "192.0.2.2", "metric": 9},
    {"prefix": "10.1.0.0/16"},
    {"prefix": "10.1.128.0/17", "via": "192.0.2.2", "mtu": 1000},
    {"prefix": "10.1.2.0/24", "mtu": 576},
    {"prefix": "10.2.0.0/16", "kind": "blackhole"},
    {"prefix": "10.3.0.0/16", "kind": "unreachable"},
    {"prefix": "10.4.0.0/16", "kind": "prohibit"},
    {"prefix": "10.6.0.0/16", "source": OTHER},
    {"prefix": "10.6.1.1/32", "via": "192.0.2.1", "source": OTHER},
    {"prefix": "172.16.0.0/12", "via": "192.0.2.1", "table": 100},
    {"prefix": "10.1.0.0/16", "kind": "blackhole", "table": 100},
    {"prefix": "2001:db8:2::/48", "kind": "blackhole", "metric": 5},
    {"prefix": "2001:db8:3::/48", "kind": "unreachable", "metric": 5},
    {"prefix": "2001:db8:4::/48", "kind": "prohibit", "metric": 5},
]
LINK_ADDRESS = "02:00:00:00:00:91"
"""Of all neighbours: a loopback has one entry for every IPv4 address."""

DESTINATIONS = (
    "10.1.2.3", "10.1.2.4", "10.1.3.3", "10.1.200.1", "10.2.0.1", "10.3.0.1", "10.4.0.1",
    "10.6.0.9", "10.6.0.8", "10.6.1.1", "10.200.0.1", "11.0.0.1", "172.16.0.1", SELF, OTHER,
    "2001:db8:2::1", "2001:db8:3::1", "2001:db8:4::1", "2001:db8:5::1", "fe80::1", "ff02::1",
)  # fmt: skip
GATEWAYS = ("192.0.2.1", "192.0.2.2", "192.0.2.254")


def table(known: bool) -> Routes:
    """What the machine of this project knows: the same."""
    found = Routes()
    found.device(netlink.LOOPBACK, "00:00:00:00:00:00", mtu=65536)
    for each in ROUTES:
        v4 = ":" not in str(each["prefix"])
        source = {"source": SELF} if v4 and each.get("kind", "unicast") == "unicast" else {}
        found.route(device=netlink.LOOPBACK, **{**source, **each})  # type: ignore[arg-type]
    for own in (SELF, OTHER):
        found.route(f"{own}/32", netlink.LOOPBACK, kind="local")
    for address in DESTINATIONS + GATEWAYS:
        if known and ":" not in address:
            found.neighbour(address, netlink.LOOPBACK, LINK_ADDRESS)
    return found


def messages(known: bool) -> bytes:
    """What the kernel is told."""
    told = [netlink.up(), netlink.address(SELF), netlink.address(OTHER)]
    told += [netlink.route(**each) for each in ROUTES]  # type: ignore[arg-type]
    told += [netlink.neighbour("192.0.2.1", LINK_ADDRESS)] if known else []
    return b"".join(told)


@dataclass(frozen=True)
class Router:
    """A kernel with the table, and whether it knows its neighbours."""

    machine: VirtualMachine
    known: bool

    def ask(self, rng: random.Random) -> Checked:
        """A question to it, and to the machine of this project."""
        packet, flags, size = question(rng)
        program = load_asm(LOOKUP.format(data=0, end=4, size=size, flags=flags), "fib")
        case = Case("files", "fib", program, (RunInput(packet),))
        self.machine.clear()
        with asking(self.machine):
            return check(case, lambda cpu: Environment(cpu=cpu, routes=table(self.known)))


@pytest.fixture(scope="module", params=[True, False], ids=["neighbours", "none"])
def router(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Router]:
    """Skips where no kernel can be booted."""
    try:
        image = vm_oracle("6.12").image
        compiler = find_compiler()
    except OracleError as error:
        pytest.skip(str(error))
    loader = files("bpfsmt.kernel.vm").joinpath("loader.c").read_bytes()
    first = (HERE / "init.c").read_bytes()
    content = archive([
        Entry("dev", stat.S_IFDIR | 0o755),
        Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
        Entry("init", stat.S_IFREG | 0o755, compiled(compiler, first)),
        Entry("loader", stat.S_IFREG | 0o755, compiled(compiler, loader)),
        Entry("routes", stat.S_IFREG | 0o644, messages(request.param)),
    ])  # fmt: skip
    path = tmp_path_factory.mktemp("vm") / "initramfs.cpio"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "initramfs", lambda: path)
        started = VirtualMachine(image)
    with started:
        yield Router(started, request.param)


def question(rng: random.Random) -> tuple[bytes, int, int]:
    """``struct bpf_fib_lookup`` as a packet, the flags, and the size that is told."""
    to = rng.choice(DESTINATIONS)
    family = rng.choice((2,) * 9 + (7,)) if ":" not in to else 10
    length = rng.choice((0, 100, 576, 577, 1000, 1001, 1500, 65535))
    interface = rng.choice((1,) * 9 + (0, 9))
    head = struct.pack("<BBHHHII", family, 17, 0, 0, length, interface, 0)
    source = packed("2001:db8::9" if family == 10 else "192.0.2.9").ljust(16, b"\0")
    flags = rng.choice((
        0, 0, DIRECT, OUTPUT, SKIP_NEIGH, SRC, DIRECT | SKIP_NEIGH, DIRECT | TBID, TBID,
        DIRECT | TBID | SKIP_NEIGH, SKIP_NEIGH | SRC, DIRECT | OUTPUT, 1 << 6, 1 << 30,
    ))  # fmt: skip
    tail = struct.pack("<I", rng.choice((100, 254, 255, 7))) if flags & TBID else b"\xee" * 4
    size = rng.choice((64,) * 9 + (63,))
    return head + source + packed(to).ljust(16, b"\0") + tail + b"\xee" * 12, flags, size


def test_the_kernel_finds_the_same_way(router: Router) -> None:
    rng = random.Random(5)
    for _ in range(300):
        found = router.ask(rng)
        assert found.agreement is Agreement.SAME, (
            found.why, *map(str, found.differences), found.case.inputs[0].packet.hex(),
        )  # fmt: skip


def test_another_way_is_noticed(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: a packet that is too long is sent all the same."""
    right = FibHelpers._lookup
    monkeypatch.setattr(
        FibHelpers, "_lookup",
        lambda self, asked, flags, checks: right(self, asked, flags, False),
    )  # fmt: skip
    rng = random.Random(5)
    assert any(router.ask(rng).agreement is Agreement.DIFFERENT for _ in range(60))
