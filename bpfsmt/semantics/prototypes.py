"""Prototypes of helpers as Linux 6.12 has them, and which program types may call which.

One line for each helper: its number, name, arguments, result, and after a bar what else
holds of it.  Arguments are named as in `Arg` below, results as in `RESULTS`; a name that
begins with ``!`` is of a kind that bpfsmt does not model.  ``gpl`` asks for a licence that
is compatible with the GPL, ``pkt`` admits memory in the packet, ``changes`` makes packet
pointers stale.  `bpfsmt.semantics.helpers` says what the helpers do when a program runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bpfsmt.program.program import ProgramType

ARGUMENTS: dict[str, str] = {
    "any": "any number or pointer",
    "ctx": "the context",
    "ctx?": "the context, or NULL",
    "map": "a map",
    "key": "memory of the size of the map's keys",
    "value": "memory of the size of the map's values",
    "value?": "the same, or NULL",
    "out_value": "memory of the size of the map's values, which the helper writes",
    "mem": "memory of the size that the next argument says",
    "mem?": "the same, or NULL",
    "inout": "memory that the helper reads and writes, of the size that the next argument says",
    "out": "memory that the helper writes, of the size that the next argument says",
    "size": "that size, at least 1",
    "size0": "that size, maybe 0",
    "alloc_size": "a known number of bytes",
    "sock_common": "any socket",
    "btf_sock_common": "any socket",
    "btf_sock_common*": "a socket, whose reference the helper releases",
    "ringbuf_mem": "a reserved record, which the helper releases",
    "spin_lock": "a spin lock in a map's value",
    "const_str": "a string in a map of constants",
    "timer": "a timer in a map's value",
    "func": "a function of the program",
    "stack?": "a place on the stack, or NULL",
}
"""What an argument must be; ``mem:N``, ``out:N`` are N bytes, with ``@`` aligned.

Linux 6.12 flags only ``out`` and what is aligned as written (``MEM_WRITE``), 6.18 all
``inout``, as its log shows.
"""

RESULTS: dict[str, str] = {
    "int": "a number",
    "void": "nothing",
    "map_value": "a map's value",
    "map_value?": "a map's value, or NULL",
    "socket?": "a socket, or NULL",
    "sock_common?": "a socket of any kind, or NULL",
    "tcp_sock?": "a TCP socket, or NULL",
    "ringbuf_mem?": "a record in a ring buffer, or NULL",
}
"""What R0 holds afterwards."""

_TABLE = """
1 map_lookup_elem(map key) -> map_value? | pkt
2 map_update_elem(map key value any) -> int | pkt
3 map_delete_elem(map key) -> int | pkt
4 probe_read(out size0 any) -> int | gpl
5 ktime_get_ns() -> int
6 trace_printk(mem size) -> int | gpl
7 get_prandom_u32() -> int
8 get_smp_processor_id() -> int
9 skb_store_bytes(ctx any mem size any) -> int | changes
10 l3_csum_replace(ctx any any any any) -> int | changes
11 l4_csum_replace(ctx any any any any) -> int | changes
12 tail_call(ctx map any) -> void | changes
13 clone_redirect(ctx any any) -> int | changes
14 get_current_pid_tgid() -> int
15 get_current_uid_gid() -> int
16 get_current_comm(out size) -> int
17 get_cgroup_classid(ctx) -> int
18 skb_vlan_push(ctx any any) -> int | changes
19 skb_vlan_pop(ctx) -> int | changes
20 skb_get_tunnel_key(ctx out size any) -> int
21 skb_set_tunnel_key(ctx mem size any) -> int
22 perf_event_read(map any) -> int | gpl
23 redirect(any any) -> int
24 get_route_realm(ctx) -> int
25 perf_event_output(ctx map any mem size0) -> int | gpl
26 skb_load_bytes(ctx any out size) -> int
27 get_stackid(ctx map any) -> int | gpl
28 csum_diff(mem? size0 mem? size0 any) -> int | pkt
29 skb_get_tunnel_opt(ctx out size) -> int
30 skb_set_tunnel_opt(ctx mem size) -> int
31 skb_change_proto(ctx any any) -> int | changes
32 skb_change_type(ctx any) -> int
33 skb_under_cgroup(ctx map any) -> int
34 get_hash_recalc(ctx) -> int
35 get_current_task() -> int | gpl
36 probe_write_user(out size0 any) -> int | gpl
37 current_task_under_cgroup(map any) -> int
38 skb_change_tail(ctx any any) -> int | changes
39 skb_pull_data(ctx any) -> int | changes
40 csum_update(ctx any) -> int
41 set_hash_invalid(ctx) -> int
42 get_numa_node_id() -> int
43 skb_change_head(ctx any any) -> int | changes
44 xdp_adjust_head(ctx any) -> int | changes
45 probe_read_str(out size0 any) -> int | gpl
46 get_socket_cookie(ctx) -> int
47 get_socket_uid(ctx) -> int
48 set_hash(ctx any) -> int
49 setsockopt(ctx any any mem size) -> int
50 skb_adjust_room(ctx any any any) -> int | changes
51 redirect_map(map any any) -> int
54 xdp_adjust_meta(ctx any) -> int | changes
55 perf_event_read_value(map any out size) -> int | gpl
56 perf_prog_read_value(ctx out size) -> int | gpl
57 getsockopt(ctx any any out size) -> int
58 override_return(ctx any) -> int | gpl
64 bind(ctx mem size) -> int
65 xdp_adjust_tail(ctx any) -> int | changes
66 skb_get_xfrm_state(ctx any out size any) -> int
67 get_stack(ctx out size0 any) -> int | gpl
68 skb_load_bytes_relative(ctx any out size any) -> int
69 fib_lookup(ctx inout size any) -> int | gpl
79 skb_cgroup_id(ctx) -> int
80 get_current_cgroup_id() -> int
81 get_local_storage(map any) -> map_value
83 skb_ancestor_cgroup_id(ctx any) -> int
84 sk_lookup_tcp(ctx mem size0 any any) -> socket? | pkt
85 sk_lookup_udp(ctx mem size0 any any) -> socket? | pkt
86 sk_release(btf_sock_common*) -> int
87 map_push_elem(map value any) -> int | pkt
88 map_pop_elem(map out_value) -> int
89 map_peek_elem(map out_value) -> int
93 spin_lock(spin_lock) -> void
94 spin_unlock(spin_lock) -> void
95 sk_fullsock(sock_common) -> socket?
96 tcp_sock(sock_common) -> tcp_sock?
97 skb_ecn_set_ce(ctx) -> int
98 get_listener_sock(sock_common) -> socket?
99 skc_lookup_tcp(ctx mem size0 any any) -> sock_common? | pkt
100 tcp_check_syncookie(btf_sock_common mem size mem size) -> int | gpl pkt
105 strtol(mem size any out@8) -> int
106 strtoul(mem size any out@8) -> int
107 sk_storage_get(map btf_sock_common value? any) -> map_value?
108 sk_storage_delete(map btf_sock_common) -> int
109 send_signal(any) -> int
110 tcp_gen_syncookie(btf_sock_common mem size mem size) -> int | gpl pkt
112 probe_read_user(out size0 any) -> int | gpl
113 probe_read_kernel(out size0 any) -> int | gpl
114 probe_read_user_str(out size0 any) -> int | gpl
115 probe_read_kernel_str(out size0 any) -> int | gpl
117 send_signal_thread(any) -> int
118 jiffies64() -> int
119 read_branch_records(ctx inout? size0 any) -> int | gpl
120 get_ns_current_pid_tgid(any any out size) -> int
122 get_netns_cookie(ctx?) -> int
123 get_current_ancestor_cgroup_id(any) -> int
124 sk_assign(ctx btf_sock_common any) -> int
125 ktime_get_boot_ns() -> int
128 sk_cgroup_id(btf_sock_common) -> int
129 sk_ancestor_cgroup_id(btf_sock_common any) -> int
130 ringbuf_output(map mem size0 any) -> int
131 ringbuf_reserve(map alloc_size any) -> ringbuf_mem?
132 ringbuf_submit(ringbuf_mem any) -> void
133 ringbuf_discard(ringbuf_mem any) -> void
134 ringbuf_query(map any) -> int
135 csum_level(ctx any) -> int
141 get_task_stack(out size0 any) -> int
148 copy_from_user(out size0 any) -> int
149 snprintf_btf(inout size mem size any) -> int
151 skb_cgroup_classid(ctx) -> int
152 redirect_neigh(any mem? size0 any) -> int
153 per_cpu_ptr(!percpu_btf_id any) -> !mem_or_btf_id
154 this_cpu_ptr(!percpu_btf_id) -> !mem_or_btf_id
155 redirect_peer(any any) -> int
156 task_storage_get(map !btf_id_or_null value? any) -> map_value?
157 task_storage_delete(map !btf_id_or_null) -> int
158 get_current_task_btf() -> !btf_id_trusted | gpl
160 ktime_get_coarse_ns() -> int
163 check_mtu(ctx any inout@4 any any) -> int | gpl
164 for_each_map_elem(map func stack? any) -> int
165 snprintf(inout? size0 const_str mem? size0) -> int | gpl
169 timer_init(timer map any) -> int | gpl
170 timer_set_callback(timer func) -> int | gpl
171 timer_start(timer any any) -> int | gpl
172 timer_cancel(timer) -> int | gpl
173 get_func_ip(ctx) -> int | gpl
174 get_attach_cookie(ctx) -> int
175 task_pt_regs(!btf_id) -> !btf_id | gpl
176 get_branch_snapshot(out size0) -> int | gpl
177 trace_vprintk(mem size mem? size0) -> int | gpl
180 find_vma(!btf_id any func stack? any) -> int
181 loop(any func stack? any) -> int
182 strncmp(mem size const_str) -> int
188 xdp_get_buff_len(ctx) -> int
189 xdp_load_bytes(ctx any out size) -> int
190 xdp_store_bytes(ctx any mem size) -> int
191 copy_from_user_task(out size0 any !btf_id) -> int | gpl
192 skb_set_tstamp(ctx any any) -> int
194 kptr_xchg(!arg_kptr_xchg_dest !btf_id_or_null) -> !btf_id_or_null
195 map_lookup_percpu_elem(map key any) -> map_value? | pkt
197 dynptr_from_mem(out size0 any !dynptr) -> int
198 ringbuf_reserve_dynptr(map any any !dynptr) -> int
199 ringbuf_submit_dynptr(!dynptr any) -> void
200 ringbuf_discard_dynptr(!dynptr any) -> void
201 dynptr_read(out size0 !dynptr any any) -> int
202 dynptr_write(!dynptr any mem size0 any) -> int
203 dynptr_data(!dynptr any alloc_size) -> !dynptr_mem_or_null
204 tcp_raw_gen_syncookie_ipv4(mem:20 mem size0) -> int | gpl pkt
205 tcp_raw_gen_syncookie_ipv6(mem:40 mem size0) -> int | gpl pkt
206 tcp_raw_check_syncookie_ipv4(mem:20 mem:20) -> int | gpl pkt
207 tcp_raw_check_syncookie_ipv6(mem:40 mem:20) -> int | gpl pkt
208 ktime_get_tai_ns() -> int
209 user_ringbuf_drain(map func stack? any) -> int
210 cgrp_storage_get(map !btf_id_or_null value? any) -> map_value?
211 cgrp_storage_delete(map !btf_id_or_null) -> int
"""

_BASE = """
cgrp_storage_delete cgrp_storage_get dynptr_data dynptr_from_mem dynptr_read dynptr_write
for_each_map_elem get_current_ancestor_cgroup_id get_current_cgroup_id get_current_pid_tgid
get_current_task get_current_task_btf get_ns_current_pid_tgid get_numa_node_id
get_prandom_u32 get_smp_processor_id jiffies64 kptr_xchg ktime_get_boot_ns ktime_get_ns
ktime_get_tai_ns loop map_delete_elem map_lookup_elem map_lookup_percpu_elem map_peek_elem
map_pop_elem map_push_elem map_update_elem per_cpu_ptr probe_read_kernel
probe_read_kernel_str probe_read_user probe_read_user_str ringbuf_discard
ringbuf_discard_dynptr ringbuf_output ringbuf_query ringbuf_reserve ringbuf_reserve_dynptr
ringbuf_submit ringbuf_submit_dynptr snprintf snprintf_btf spin_lock spin_unlock strncmp
strtol strtoul tail_call task_pt_regs this_cpu_ptr timer_cancel timer_init
timer_set_callback timer_start trace_printk trace_vprintk user_ringbuf_drain
"""

_FILTER = """
get_socket_cookie get_socket_uid perf_event_output skb_load_bytes skb_load_bytes_relative
"""

_CGSKB = """
get_listener_sock perf_event_output sk_ancestor_cgroup_id sk_cgroup_id sk_fullsock
sk_lookup_tcp sk_lookup_udp sk_release sk_storage_delete sk_storage_get
skb_ancestor_cgroup_id skb_cgroup_id skb_ecn_set_ce skc_lookup_tcp tcp_sock
"""

_TC = """
check_mtu clone_redirect csum_diff csum_level csum_update fib_lookup get_cgroup_classid
get_hash_recalc get_listener_sock get_route_realm get_socket_cookie get_socket_uid
l3_csum_replace l4_csum_replace perf_event_output redirect redirect_neigh redirect_peer
set_hash set_hash_invalid sk_assign sk_fullsock sk_lookup_tcp sk_lookup_udp sk_release
sk_storage_delete sk_storage_get skb_adjust_room skb_ancestor_cgroup_id skb_cgroup_classid
skb_cgroup_id skb_change_head skb_change_proto skb_change_tail skb_change_type
skb_ecn_set_ce skb_get_tunnel_key skb_get_tunnel_opt skb_get_xfrm_state skb_load_bytes
skb_load_bytes_relative skb_pull_data skb_set_tstamp skb_set_tunnel_key skb_set_tunnel_opt
skb_store_bytes skb_under_cgroup skb_vlan_pop skb_vlan_push skc_lookup_tcp
tcp_check_syncookie tcp_gen_syncookie tcp_raw_check_syncookie_ipv4
tcp_raw_check_syncookie_ipv6 tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 tcp_sock
"""

_XDP = """
check_mtu csum_diff fib_lookup perf_event_output redirect redirect_map sk_lookup_tcp
sk_lookup_udp sk_release skc_lookup_tcp tcp_check_syncookie tcp_gen_syncookie
tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6 tcp_raw_gen_syncookie_ipv4
tcp_raw_gen_syncookie_ipv6 xdp_adjust_head xdp_adjust_meta xdp_adjust_tail xdp_get_buff_len
xdp_load_bytes xdp_store_bytes
"""

_CGSOCK = """
get_netns_cookie get_socket_cookie ktime_get_coarse_ns perf_event_output sk_storage_get
"""

_SOCKADDR = """
bind get_netns_cookie get_socket_cookie getsockopt perf_event_output setsockopt
sk_lookup_tcp sk_lookup_udp sk_release sk_storage_delete sk_storage_get skc_lookup_tcp
"""

_TRACING = """
copy_from_user copy_from_user_task current_task_under_cgroup find_vma get_branch_snapshot
get_current_comm get_current_uid_gid get_func_ip get_task_stack perf_event_read
perf_event_read_value probe_read probe_read_str probe_write_user send_signal
send_signal_thread task_storage_delete task_storage_get
"""

_KPROBE = """
get_attach_cookie get_func_ip get_stack get_stackid override_return perf_event_output
"""

_TP = """
get_attach_cookie get_stack get_stackid perf_event_output
"""

_PE = """
get_attach_cookie get_stack get_stackid perf_event_output perf_prog_read_value
read_branch_records
"""

_RAWTP = """
get_attach_cookie get_stack get_stackid perf_event_output
"""

_CGROUP = """
current_task_under_cgroup get_cgroup_classid get_current_comm get_current_uid_gid
get_local_storage
"""

_GROUPS: dict[ProgramType, str] = {
    ProgramType.XDP: _BASE + _XDP,
    ProgramType.SCHED_CLS: _BASE + _TC,
    ProgramType.SCHED_ACT: _BASE + _TC,
    ProgramType.SOCKET_FILTER: _BASE + _FILTER,
    ProgramType.CGROUP_SKB: _BASE + _FILTER + _CGSKB + _CGROUP,
    ProgramType.CGROUP_SOCK: _BASE + _CGSOCK + _CGROUP,
    ProgramType.CGROUP_SOCK_ADDR: _BASE + _SOCKADDR + _CGROUP,
    ProgramType.TRACEPOINT: _BASE + _TRACING + _TP,
    ProgramType.KPROBE: _BASE + _TRACING + _KPROBE,
    ProgramType.PERF_EVENT: _BASE + _TRACING + _PE,
    ProgramType.RAW_TRACEPOINT: _BASE + _TRACING + _RAWTP,
}


@dataclass(frozen=True, slots=True)
class Prototype:
    """A helper as a verifier sees it: what R1.. must be, what R0 is, what else follows."""

    number: int
    name: str
    args: tuple[str, ...]
    result: str
    gpl: bool = False
    packet_args: bool = False
    changes_packet: bool = False

    @property
    def unmodelled(self) -> str:
        """The kind of argument or result that is not modelled; empty if all are."""
        kinds = (*self.args, self.result)
        return next((k[1:] for k in kinds if k.startswith("!") or k in _NOT_YET), "")


_NOT_YET = ("timer", "func", "const_str")
_LINE = re.compile(r"(\d+) (\w+)\((.*?)\) -> (\S+)(?: \| (.*))?")


def _prototype(line: str) -> Prototype:
    match = _LINE.fullmatch(line)
    assert match, line
    number, name, args, result, flags = match.groups()
    words = (flags or "").split()
    return Prototype(
        int(number),
        f"bpf_{name}",
        tuple(args.split()),
        result,
        gpl="gpl" in words,
        packet_args="pkt" in words,
        changes_packet="changes" in words,
    )


PROTOTYPES: dict[int, Prototype] = {
    p.number: p for p in map(_prototype, _TABLE.strip().splitlines())
}
"""Every prototype, by number."""

ALLOWED: dict[ProgramType, frozenset[str]] = {
    kind: frozenset(f"bpf_{name}" for name in group.split()) for kind, group in _GROUPS.items()
}
"""The names of the helpers that programs of each type may call."""

_VARIANTS: dict[tuple[ProgramType, str], Prototype] = {
    (ProgramType.CGROUP_SOCK, "bpf_get_cgroup_classid"): _prototype(
        "17 get_cgroup_classid() -> int"
    ),
    (ProgramType.CGROUP_SOCK_ADDR, "bpf_get_cgroup_classid"): _prototype(
        "17 get_cgroup_classid() -> int"
    ),
}


def prototype(kind: ProgramType, number: int) -> Prototype | None:
    """The helper's prototype for programs of that type; `None` where bpfsmt knows none."""
    found = PROTOTYPES.get(number)
    return _VARIANTS.get((kind, found.name), found) if found else None
