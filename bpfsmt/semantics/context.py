"""The context that R1 points to at the start, per program type.

A layout is data: which bytes may be read or written, in which widths, and what a read
gives.  The verifier asks `access`; the machine and the encoder read the same fields.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bpfsmt.bits import rule, u64
from bpfsmt.program.program import ProgramType

_U64 = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class CtxField:
    """One field: ``size`` bytes at ``offset``.

    ``kind`` is "scalar", or what pointer a full-width read gives, by the name of its type in
    the kernel's log: "pkt", "pkt_end", "pkt_meta", "sock_common_or_null".  ``narrow`` admits
    aligned reads of fewer bytes inside the field, ``writable`` full-width writes,
    ``narrow_writable`` aligned ones of fewer bytes too.  ``first`` restricts narrow accesses to
    the field's first bytes (measured on Linux 6.18: some fields of a socket).

    ``kept`` is in how many bytes the kernel keeps the number, if in fewer than ``size``, and
    ``most`` the greatest number that a write changes it to.
    """

    name: str
    offset: int
    size: int
    kind: str = "scalar"
    narrow: bool = False
    writable: bool = False
    narrow_writable: bool = False
    first: bool = False
    kept: int = 0
    most: int = _U64

    def source(self, offset: int, size: int) -> int:
        """The offset of the bytes that a read of ``size`` bytes at ``offset`` gives.

        Of a number that the kernel keeps in fewer bytes, a narrow read that is as wide as
        those gives the number, wherever in the field it is (Linux 6.18,
        ``bpf_convert_ctx_accesses``: only what is narrower still is shifted and masked).
        """
        return self.offset if self.kept and size >= self.kept else offset

    @property
    def mask(self) -> int:
        """The bits that stay of a number that is written."""
        return (1 << 8 * min(self.kept or self.size, 8)) - 1


@rule
def field_after_write(old: u64, new: u64, mask: u64, most: u64) -> u64:
    """What a field of ``mask`` bits holds after a write of ``new``, if it was ``old``.

    One difference to the kernel's code: that compares the whole register with ``most``, and
    a constant as a signed number; here ``new`` are the bytes that are written.
    """
    return old if new > most else new & mask


@dataclass(frozen=True, slots=True)
class ContextLayout:
    """All fields of one program type's context, and its whole ``size`` in bytes.

    ``buffer`` says that the whole context is plain bytes besides: any aligned read inside.
    """

    struct: str
    size: int
    fields: tuple[CtxField, ...]
    buffer: bool = False

    def access(self, offset: int, size: int, *, write: bool) -> CtxField | None:
        """The field that an access of ``size`` bytes at ``offset`` touches, if it may."""
        for f in self.fields:
            if f.offset <= offset and offset + size <= f.offset + f.size:
                full = offset == f.offset and size == f.size
                admitted = f.narrow_writable if write else f.narrow
                placed = offset == f.offset if f.first else offset % size == 0
                narrow = admitted and placed
                return f if (full or narrow) and (f.writable or not write) else None
        inside = offset >= 0 and offset + size <= self.size and offset % size == 0
        if self.buffer and inside and not write:
            return CtxField(f"bytes at {offset}", offset, size)
        return None


_XDP = ContextLayout(
    "xdp_md",
    24,
    (
        CtxField("data", 0, 4, "pkt"),
        CtxField("data_end", 4, 4, "pkt_end"),
        CtxField("data_meta", 8, 4, "pkt_meta"),
        CtxField("ingress_ifindex", 12, 4),
        CtxField("rx_queue_index", 16, 4),
        CtxField("egress_ifindex", 20, 4),
    ),
)

_U32 = 4
_SKB_FIELDS = {
    f.name: f
    for f in (
        CtxField("len", 0, _U32, narrow=True),
        CtxField("pkt_type", 4, _U32, narrow=True, kept=1),
        CtxField("mark", 8, _U32, narrow=True),
        CtxField("queue_mapping", 12, _U32, narrow=True, kept=2, most=0xFFFE),
        CtxField("protocol", 16, _U32, narrow=True, kept=2),
        CtxField("vlan_present", 20, _U32, narrow=True),
        CtxField("vlan_tci", 24, _U32, narrow=True, kept=2),
        CtxField("vlan_proto", 28, _U32, narrow=True, kept=2),
        CtxField("priority", 32, _U32, narrow=True),
        CtxField("ingress_ifindex", 36, _U32, narrow=True),
        CtxField("ifindex", 40, _U32, narrow=True),
        CtxField("tc_index", 44, _U32, narrow=True, kept=2),
        CtxField("cb", 48, 5 * _U32, narrow=True, writable=True, narrow_writable=True),
        CtxField("hash", 68, _U32, narrow=True),
        CtxField("tc_classid", 72, _U32, narrow=True, kept=2),
        CtxField("data", 76, _U32, "pkt"),
        CtxField("data_end", 80, _U32, "pkt_end"),
        CtxField("napi_id", 84, _U32, narrow=True),
        CtxField("family", 88, _U32, narrow=True, kept=2),
        CtxField("remote_ip4", 92, _U32),
        CtxField("local_ip4", 96, _U32),
        *(CtxField(f"remote_ip6[{i}]", 100 + _U32 * i, _U32) for i in range(4)),
        *(CtxField(f"local_ip6[{i}]", 116 + _U32 * i, _U32) for i in range(4)),
        CtxField("remote_port", 132, _U32, narrow=True),
        CtxField("local_port", 136, _U32, narrow=True),
        CtxField("data_meta", 140, _U32, "pkt_meta"),
        CtxField("tstamp", 152, 8),
        CtxField("wire_len", 160, _U32, narrow=True),
        CtxField("gso_segs", 164, _U32, narrow=True, kept=2),
        CtxField("sk", 168, 8, "sock_common_or_null"),
        CtxField("gso_size", 176, _U32, narrow=True, kept=2),
        CtxField("hwtstamp", 184, 8),
    )
}
"""``struct __sk_buff`` without its flow keys."""

_SKB_SOCKET = frozenset(
    {"family", "remote_ip4", "local_ip4", "remote_port", "local_port"}
    | {f"{side}_ip6[{i}]" for side in ("remote", "local") for i in range(4)}
)
_SKB_PACKET = frozenset({"data", "data_end", "data_meta"})


def _skb(hidden: frozenset[str], writable: frozenset[str]) -> ContextLayout:
    """The view of ``__sk_buff`` that programs of one type have; ``cb`` is always writable."""
    fields = tuple(
        replace(f, writable=True) if f.name in writable else f
        for f in _SKB_FIELDS.values()
        if f.name not in hidden
    )
    return ContextLayout("__sk_buff", 192, fields)


_FILTER = _skb(_SKB_SOCKET | _SKB_PACKET | {"tc_classid", "tstamp", "wire_len", "hwtstamp"},
               frozenset())  # fmt: skip
_CGROUP = _skb(
    frozenset({"tc_classid", "data_meta", "wire_len"}),
    frozenset({"mark", "priority", "tstamp"}),
)
_TC = _skb(
    _SKB_SOCKET,
    frozenset({"mark", "tc_index", "priority", "tc_classid", "tstamp", "queue_mapping"}),
)

_PERF_MAX_TRACE_SIZE = 8192
_X86_64_PT_REGS_SIZE = 168

_TRACING_ARGS = 12

_SOCK = ContextLayout(
    "bpf_sock",
    80,
    (
        CtxField("bound_dev_if", 0, _U32, writable=True),
        CtxField("family", 4, _U32, narrow=True, first=True),
        CtxField("type", 8, _U32, narrow=True, first=True),
        CtxField("protocol", 12, _U32, narrow=True, first=True),
        CtxField("mark", 16, _U32, writable=True),
        CtxField("priority", 20, _U32, writable=True),
        CtxField("src_ip4", 24, _U32, narrow=True),
        *(CtxField(f"src_ip6[{i}]", 28 + _U32 * i, _U32, narrow=True) for i in range(4)),
        CtxField("src_port", 44, _U32, narrow=True, first=True),
        CtxField("dst_port", 48, 2, narrow=True),
        CtxField("dst_port and zeros", 48, _U32),
        CtxField("dst_ip4", 52, _U32, narrow=True),
        *(CtxField(f"dst_ip6[{i}]", 56 + _U32 * i, _U32, narrow=True) for i in range(4)),
        CtxField("state", 72, _U32, narrow=True, first=True),
        CtxField("rx_queue_mapping", 76, _U32, narrow=True, first=True, kept=2),
    ),
)
_SOCK_ADDR = ContextLayout(
    "bpf_sock_addr",
    72,
    (
        CtxField("user_family", 0, _U32),
        CtxField("user_ip4", 4, _U32, narrow=True, writable=True),
        CtxField("user_ip6", 8, 16, narrow=True, writable=True, narrow_writable=True),
        CtxField("user_port", 24, _U32, narrow=True, writable=True),
        CtxField("family", 28, _U32),
        CtxField("type", 32, _U32),
        CtxField("protocol", 36, _U32),
        CtxField("msg_src_ip4", 40, _U32, narrow=True, writable=True),
        CtxField("msg_src_ip6", 44, 16, narrow=True, writable=True, narrow_writable=True),
        CtxField("sk", 64, 8, "sock"),
    ),
)
_TCP_SOCK = ContextLayout(
    "bpf_tcp_sock",
    112,
    (
        *(CtxField(f"u32 at {i}", i, _U32) for i in range(0, 80, _U32)),
        CtxField("bytes_received", 80, 8),
        CtxField("bytes_acked", 88, 8),
        *(CtxField(f"u32 at {i}", i, _U32) for i in range(96, 112, _U32)),
    ),
)

_XDP_SOCK = ContextLayout("bpf_xdp_sock", 4, (CtxField("queue_id", 0, _U32),))

SOCKETS: dict[str, ContextLayout] = {
    "sock": _SOCK,
    "sock_common": _SOCK,
    "tcp_sock": _TCP_SOCK,
    "xdp_sock": _XDP_SOCK,
}
"""What a program sees of a socket, by the name of the pointer's type."""

LAYOUTS: dict[ProgramType, ContextLayout] = {
    ProgramType.XDP: _XDP,
    ProgramType.SCHED_CLS: _TC,
    ProgramType.SCHED_ACT: _TC,
    ProgramType.SOCKET_FILTER: _FILTER,
    ProgramType.CGROUP_SKB: _CGROUP,
    ProgramType.TRACEPOINT: ContextLayout("trace event", _PERF_MAX_TRACE_SIZE, (), buffer=True),
    ProgramType.KPROBE: ContextLayout("pt_regs", _X86_64_PT_REGS_SIZE, (), buffer=True),
    ProgramType.RAW_TRACEPOINT: ContextLayout(
        "bpf_raw_tracepoint_args", 8 * _TRACING_ARGS, (), buffer=True
    ),
    ProgramType.PERF_EVENT: ContextLayout(
        "bpf_perf_event_data",
        184,
        (
            *(CtxField(f"regs[{i}]", 8 * i, 8) for i in range(21)),
            CtxField("sample_period", 168, 8, narrow=True),
            CtxField("addr", 176, 8, narrow=True),
        ),
    ),
    ProgramType.CGROUP_SOCK: _SOCK,
    ProgramType.CGROUP_SOCK_ADDR: _SOCK_ADDR,
}
"""What each type sees (kernel ``*_is_valid_access``, Linux 6.12; registers of x86-64)."""


def layout_of(type_: ProgramType) -> ContextLayout:
    """The context layout of a program type."""
    return LAYOUTS[type_]
