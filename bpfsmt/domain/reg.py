"""The state of one register: the paper's Table 2, with the types of its Table 3."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from bpfsmt.domain.scalar import UNKNOWN, Scalar


class RegType(Enum):
    """Register types (paper, Table 3); the value is the name in the kernel's log.

    `PTR_TO_PACKET_META` is the one addition to the paper's nine: the metadata area of
    its section 3.1 is reached through it (``xdp_md.data_meta``, Linux 4.15).
    """

    NOT_INIT = "?"
    SCALAR_VALUE = "scalar"
    PTR_TO_CTX = "ctx"
    CONST_PTR_TO_MAP = "map_ptr"
    PTR_TO_MAP_VALUE = "map_value"
    PTR_TO_MAP_VALUE_OR_NULL = "map_value_or_null"
    PTR_TO_STACK = "fp"
    PTR_TO_PACKET = "pkt"
    PTR_TO_PACKET_META = "pkt_meta"
    PTR_TO_PACKET_END = "pkt_end"
    # What later kernels have besides (Linux 6.12, ``enum bpf_reg_type`` with its flags).
    PTR_TO_MAP_KEY = "map_key"
    PTR_TO_FLOW_KEYS = "flow_keys"
    PTR_TO_SOCKET = "sock"
    PTR_TO_SOCKET_OR_NULL = "sock_or_null"
    PTR_TO_SOCK_COMMON = "sock_common"
    PTR_TO_SOCK_COMMON_OR_NULL = "sock_common_or_null"
    PTR_TO_TCP_SOCK = "tcp_sock"
    PTR_TO_TCP_SOCK_OR_NULL = "tcp_sock_or_null"
    PTR_TO_XDP_SOCK = "xdp_sock"
    PTR_TO_TP_BUFFER = "tp_buffer"
    PTR_TO_MEM = "mem"
    PTR_TO_MEM_OR_NULL = "mem_or_null"
    RINGBUF_MEM = "ringbuf_mem"
    RINGBUF_MEM_OR_NULL = "ringbuf_mem_or_null"
    RDONLY_MEM = "rdonly_mem"
    RDONLY_MEM_OR_NULL = "rdonly_mem_or_null"

    @property
    def is_pointer(self) -> bool:
        """Anything but a number and an unwritten register."""
        return self is not RegType.NOT_INIT and self is not RegType.SCALAR_VALUE

    @property
    def nonnull(self) -> RegType | None:
        """What a pointer that may be NULL is once it is known not to be; else `None`."""
        return _NONNULL.get(self)


_NONNULL = {t: RegType(t.value.removesuffix("_or_null")) for t in RegType if "_or_null" in t.value}

ADD_CONST = 1 << 31
"""Flag in the id of a number: it is the others of that id plus ``off`` (kernel BPF_ADD_CONST)."""

ADD_CONST32 = 1 << 30
"""The same for a 32-bit addition: it is the low half of that (kernel BPF_ADD_CONST32)."""

ADDED = ADD_CONST | ADD_CONST32
"""Both flags."""


AT_PKT_END, BEYOND_PKT_END = -1, -2
"""Instead of a packet pointer's range: the pointer is at the packet's end or behind it,
or at least one byte behind it (Linux 5.11)."""


class Reg(NamedTuple):
    """What a verifier knows of one register (or spilled slot).

    ``scalar`` is the number itself, or of a pointer its variable part; ``off`` is a
    pointer's fixed offset in bytes; ``id`` ties copies with one variable part together (0:
    none), and of numbers those with one value apart from ``off``; ``range`` says how many
    bytes from the variable part on lie inside the packet, or `AT_PKT_END`,
    `BEYOND_PKT_END`; ``map`` is the index of the map in ``Program.maps``; ``frame`` is the
    number of the stack frame that a stack pointer points into.
    """

    type: RegType
    scalar: Scalar = UNKNOWN
    off: int = 0
    id: int = 0
    range: int = 0
    map: int = -1
    frame: int = 0
    ref: int = 0
    mem: int = 0

    @property
    def is_pointer(self) -> bool:
        """The register holds a pointer of whatever type."""
        return self.type.is_pointer

    @property
    def is_const(self) -> bool:
        """The scalar part is one known number."""
        return self.scalar.var_off.mask == 0

    @property
    def const_value(self) -> int:
        """That number, unsigned (only if `is_const`)."""
        return self.scalar.var_off.value


NOT_INIT = Reg(RegType.NOT_INIT)
