"""Helpers: arguments that fit their prototypes, with sizes that are bounded."""

from __future__ import annotations

from bpfsmt.domain import RegType
from bpfsmt.generate.guided.branches import bounded
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.maps import CONSTANTS, MAPS, SINGLE, put_key
from bpfsmt.generate.guided.numbers import context
from bpfsmt.generate.insns import alu, call, const, map_of, mov, store_imm, value_of
from bpfsmt.isa import HELPER_IDS, AluOp
from bpfsmt.semantics.helpers import HELPERS
from bpfsmt.semantics.prototypes import ALLOWED, Prototype, prototype

USED = (
    "bpf_get_prandom_u32", "bpf_ktime_get_ns", "bpf_map_update_elem",
    "bpf_map_delete_elem", "bpf_csum_diff", "bpf_skb_load_bytes", "bpf_skb_store_bytes",
    "bpf_xdp_adjust_head", "bpf_xdp_adjust_tail", "bpf_xdp_adjust_meta", "bpf_xdp_load_bytes",
    "bpf_xdp_store_bytes", "bpf_xdp_get_buff_len", "bpf_l3_csum_replace", "bpf_l4_csum_replace",
    "bpf_csum_update", "bpf_skb_pull_data", "bpf_skb_change_tail", "bpf_get_hash_recalc",
    "bpf_skb_load_bytes_relative", "bpf_redirect",
    "bpf_probe_read_kernel_str",
    "bpf_check_mtu",
)  # fmt: skip
"""The helpers that are called; of each program type those that it may call.

Not ``bpf_get_smp_processor_id``: what a kernel knows of it depends on the machine.
"""

_VALUES = (RegType.PTR_TO_MAP_VALUE,)
_AREA = 32
_PLACES = {1: -48, 2: -48, 3: -48, 4: -80, 5: -80}
"""Where on the stack the memory of an argument begins."""


def helper_call(d: Drawing) -> None:
    """A call with arguments that its prototype asks for."""
    if not d.kept.isdisjoint(range(6)):
        return
    _called(d, d.one(_callable(d)))


def packet_changed(d: Drawing) -> None:
    """A call of a helper that may change the packet."""
    changing = [proto for proto in _callable(d) if proto.changes_packet]
    if changing and d.kept.isdisjoint(range(6)):
        _called(d, d.one(changing))


def _called(d: Drawing, proto: Prototype) -> None:
    out = d.draft.label()
    if all(_argument(d, proto, n, arg, out) for n, arg in enumerate(proto.args, start=1)):
        d.put(call(proto.number))
    d.draft.place(out)


def _callable(d: Drawing) -> list[Prototype]:
    kind, linux = d.draft.kind, d.draft.rules.policy.walk == "linux"
    found = []
    for name in USED:
        number = HELPER_IDS[name]
        proto, contract = prototype(kind, number), HELPERS.get(number)
        known = not contract.types or kind in contract.types if contract else linux
        if proto is not None and known and name in ALLOWED[kind]:
            found.append(proto)
    return found


def _argument(d: Drawing, proto: Prototype, n: int, arg: str, out: int) -> bool:
    """Put argument ``n`` into its register; those before it are there already."""
    before = range(1, n)
    match arg.rstrip("?").partition("@")[0]:
        case "ctx":
            base = context(d, n)
            return base is not None and (base == n or d.draft.put(mov(n, base)))
        case "map":
            return d.draft.put(map_of(n, d.one((0, 1))))
        case "key":
            return put_key(d, -84) and d.draft.put(mov(n, FRAME), alu(AluOp.ADD, n, None, -84))
        case "value":
            return _memory(d, n, 64)
        case "mem" | "out" | "inout":
            if arg.endswith("?") and d.often(1, 3):
                return d.draft.put(const(n, 0))
            word = "@" in arg
            return _value(d, n) if d.often(1, 2 if word else 4) else _memory(d, n, _AREA)
        case "size" | "size0":
            return _size(d, proto, n, out)
    return _anything(d, n, *before)


def _memory(d: Drawing, n: int, size: int) -> bool:
    """A place on the stack whose bytes are written."""
    start = -80 if size == 64 else _PLACES[n]
    words = range(start, start + size, 8)
    written = all(d.draft.put(store_imm(FRAME, at, 0, 8)) for at in words)
    return written and d.draft.put(mov(n, FRAME), alu(AluOp.ADD, n, None, start))


def _value(d: Drawing, n: int) -> bool:
    """Memory in a map's only value; of constants too, which no helper should write."""
    index = d.one((CONSTANTS, SINGLE))
    return d.draft.put(value_of(n, index, 0))


def _size(d: Drawing, proto: Prototype, n: int, out: int) -> bool:
    """How many bytes there are: known, or bounded."""
    memory = d.draft.regs(n - 1)
    if any(not reg.is_pointer for reg in memory):
        return d.draft.put(const(n, 0))
    most = min((MAPS[r.map].value_size for r in memory if r.type in _VALUES), default=_AREA)
    most = min(most, _AREA)
    known = 4 * d.number(1, most // 4)
    if proto.args[n - 1] == "size0" and d.often(1, 3):
        mine = set(range(1, n)) - d.kept
        d.kept |= mine
        index = bounded(d, most, out)
        d.kept -= mine
        if index is not None and d.draft.here:
            return index == n or d.draft.put(mov(n, index))
    return d.draft.put(const(n, known))


def _anything(d: Drawing, n: int, *but: int) -> bool:
    number = d.a_number(*but)
    if d.often(1, 3):
        return d.draft.put(const(n, 0))
    if number is None or d.often(1, 2):
        return d.draft.put(const(n, d.one((1, 14, 64, -8, -32))))
    return number == n or d.draft.put(mov(n, number))
