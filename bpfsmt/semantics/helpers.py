"""Helper contracts as data: what arguments a helper takes and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bpfsmt.program.program import ProgramType


class Arg(Enum):
    """What an argument must be (kernel ``enum bpf_arg_type``)."""

    ANYTHING = "anything"
    CTX = "ctx"
    MAP = "map"
    MAP_KEY = "map_key"
    MAP_VALUE = "map_value"
    MEM = "mem"
    MEM_OR_NULL = "mem_or_null"
    UNINIT_MEM = "uninit_mem"
    SIZE = "size"
    SIZE_OR_ZERO = "size_or_zero"
    STACK_OR_PACKET = "stack_or_packet"


class Ret(Enum):
    """What R0 holds afterwards."""

    SCALAR = "scalar"
    MAP_VALUE_OR_NULL = "map_value_or_null"


@dataclass(frozen=True, slots=True)
class Helper:
    """One helper: its arguments R1.., its result, and what it does besides.

    ``range`` bounds a scalar result (signed, inclusive) where the kernel promises it;
    ``longest`` is the argument that does (the first is 1) where the result is a length of at
    most that, or an error.
    ``changes_packet`` says that all packet pointers are stale afterwards.  ``maps`` are
    the map types that an `Arg.MAP` may have (empty: any).  ``types`` are the program
    types that may call it (empty: any).  ``packet_args`` says that memory arguments may
    point into the packet (kernel ``pkt_access``).
    """

    number: int
    name: str
    args: tuple[Arg, ...]
    ret: Ret = Ret.SCALAR
    range: tuple[int, int] | None = None
    longest: int = 0
    changes_packet: bool = False
    maps: tuple[str, ...] = ()
    types: tuple[ProgramType, ...] = ()
    packet_args: bool = False


_XDP = (ProgramType.XDP,)
_TC = (ProgramType.SCHED_CLS, ProgramType.SCHED_ACT)
_SKB = (*_TC, ProgramType.SOCKET_FILTER, ProgramType.CGROUP_SKB)
_TRACING = (ProgramType.TRACEPOINT, ProgramType.KPROBE)

_ANY = Arg.ANYTHING
_MEM_IN = (Arg.MEM, Arg.SIZE)
_MEM_OUT = (Arg.UNINIT_MEM, Arg.SIZE)
_PROBE = (Arg.UNINIT_MEM, Arg.SIZE_OR_ZERO, _ANY)
_REDIRECT_MAPS = ("devmap", "devmap_hash", "cpumap", "xskmap")


def _map(number: int, name: str, *args: Arg, ret: Ret = Ret.SCALAR) -> Helper:
    """A helper for map elements: keys and values may lie in the packet."""
    return Helper(number, name, (Arg.MAP, Arg.MAP_KEY, *args), ret, packet_args=True)


def _skb(number: int, name: str, *args: Arg, changes: bool = False) -> Helper:
    """A helper for packets of programs at the traffic control hooks."""
    return Helper(number, name, (Arg.CTX, *args), changes_packet=changes, types=_TC)


def _xdp(number: int, name: str, *args: Arg, changes: bool = False) -> Helper:
    """A helper for packets of XDP programs."""
    return Helper(number, name, (Arg.CTX, *args), changes_packet=changes, types=_XDP)


_GENERAL = (
    _map(1, "bpf_map_lookup_elem", ret=Ret.MAP_VALUE_OR_NULL),
    _map(2, "bpf_map_update_elem", Arg.MAP_VALUE, _ANY),
    _map(3, "bpf_map_delete_elem"),
    Helper(5, "bpf_ktime_get_ns", ()),
    Helper(6, "bpf_trace_printk", _MEM_IN),
    Helper(7, "bpf_get_prandom_u32", ()),
    Helper(8, "bpf_get_smp_processor_id", ()),
    Helper(12, "bpf_tail_call", (Arg.CTX, Arg.MAP, _ANY), maps=("prog_array",)),
    Helper(14, "bpf_get_current_pid_tgid", ()),
    Helper(
        25,
        "bpf_perf_event_output",
        (Arg.CTX, Arg.MAP, _ANY, Arg.MEM, Arg.SIZE_OR_ZERO),
        maps=("perf_event_array",),
    ),
    Helper(42, "bpf_get_numa_node_id", ()),
    Helper(112, "bpf_probe_read_user", _PROBE),
    Helper(113, "bpf_probe_read_kernel", _PROBE),
    Helper(114, "bpf_probe_read_user_str", _PROBE, longest=2),
    Helper(115, "bpf_probe_read_kernel_str", _PROBE, longest=2),
    Helper(118, "bpf_jiffies64", ()),
    Helper(125, "bpf_ktime_get_boot_ns", ()),
)

_TRACE = (
    Helper(4, "bpf_probe_read", _PROBE, types=_TRACING),
    Helper(15, "bpf_get_current_uid_gid", (), types=_TRACING),
    Helper(16, "bpf_get_current_comm", _MEM_OUT, types=_TRACING),
    Helper(45, "bpf_probe_read_str", _PROBE, longest=2, types=_TRACING),
)

_PACKET = (
    Helper(23, "bpf_redirect", (_ANY, _ANY), types=_XDP + _TC),
    Helper(26, "bpf_skb_load_bytes", (Arg.CTX, _ANY, *_MEM_OUT), types=_SKB),
    Helper(
        28,
        "bpf_csum_diff",
        (Arg.MEM_OR_NULL, Arg.SIZE_OR_ZERO, Arg.MEM_OR_NULL, Arg.SIZE_OR_ZERO, _ANY),
        types=_XDP + _TC,
        packet_args=True,
    ),
    Helper(51, "bpf_redirect_map", (Arg.MAP, _ANY, _ANY), maps=_REDIRECT_MAPS, types=_XDP),
    Helper(68, "bpf_skb_load_bytes_relative", (Arg.CTX, _ANY, *_MEM_OUT, _ANY), types=_SKB),
    Helper(69, "bpf_fib_lookup", (Arg.CTX, *_MEM_IN, _ANY), types=_XDP + _TC),
)

_SKB_ONLY = (
    _skb(9, "bpf_skb_store_bytes", _ANY, *_MEM_IN, _ANY, changes=True),
    _skb(10, "bpf_l3_csum_replace", *[_ANY] * 4, changes=True),
    _skb(11, "bpf_l4_csum_replace", *[_ANY] * 4, changes=True),
    _skb(13, "bpf_clone_redirect", _ANY, _ANY, changes=True),
    _skb(17, "bpf_get_cgroup_classid"),
    _skb(18, "bpf_skb_vlan_push", _ANY, _ANY, changes=True),
    _skb(19, "bpf_skb_vlan_pop", changes=True),
    _skb(24, "bpf_get_route_realm"),
    _skb(31, "bpf_skb_change_proto", _ANY, _ANY, changes=True),
    _skb(32, "bpf_skb_change_type", _ANY),
    _skb(34, "bpf_get_hash_recalc"),
    _skb(38, "bpf_skb_change_tail", _ANY, _ANY, changes=True),
    _skb(39, "bpf_skb_pull_data", _ANY, changes=True),
    _skb(40, "bpf_csum_update", _ANY),
    _skb(41, "bpf_set_hash_invalid"),
    _skb(43, "bpf_skb_change_head", _ANY, _ANY, changes=True),
    _skb(50, "bpf_skb_adjust_room", *[_ANY] * 3, changes=True),
)

_XDP_ONLY = (
    _xdp(44, "bpf_xdp_adjust_head", _ANY, changes=True),
    _xdp(54, "bpf_xdp_adjust_meta", _ANY, changes=True),
    _xdp(65, "bpf_xdp_adjust_tail", _ANY, changes=True),
    _xdp(188, "bpf_xdp_get_buff_len"),
    _xdp(189, "bpf_xdp_load_bytes", _ANY, *_MEM_OUT),
    _xdp(190, "bpf_xdp_store_bytes", _ANY, *_MEM_IN),
)

HELPERS: dict[int, Helper] = {
    h.number: h for h in (*_GENERAL, *_TRACE, *_PACKET, *_SKB_ONLY, *_XDP_ONLY)
}

MAP_ONLY: dict[str, frozenset[int]] = {
    "prog_array": frozenset({12}),
    "perf_event_array": frozenset({25}),
    "stack_trace": frozenset(),
    "cgroup_array": frozenset(),
    "devmap": frozenset({51, 1}),
    "devmap_hash": frozenset({51, 1}),
    "cpumap": frozenset({51}),
    "xskmap": frozenset({51, 1}),
    "array_of_maps": frozenset({1}),
    "hash_of_maps": frozenset({1}),
    "sockmap": frozenset({1, 3}),
    "sockhash": frozenset({1, 3}),
    "cgroup_storage": frozenset(),
    "percpu_cgroup_storage": frozenset(),
    "reuseport_sockarray": frozenset(),
    "queue": frozenset(),
    "stack": frozenset(),
    "sk_storage": frozenset(),
    "inode_storage": frozenset(),
    "task_storage": frozenset(),
    "cgrp_storage": frozenset(),
    "bloom_filter": frozenset(),
    "ringbuf": frozenset(),
    "user_ringbuf": frozenset(),
    "struct_ops": frozenset(),
    "arena": frozenset(),
    "insn_array": frozenset(),
}
"""Map types that only these of the `HELPERS` work on; all others have elements for programs.

The cases of the kernel's ``check_map_func_compatibility`` that speak of a map type.
"""
