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

    ``range`` bounds a scalar result (signed, inclusive) where the kernel promises it.
    ``changes_packet`` says that all packet pointers are stale afterwards.  ``maps`` are
    the map types that an `Arg.MAP` may have (empty: any).  ``types`` are the program
    types that may call it (empty: any).
    """

    number: int
    name: str
    args: tuple[Arg, ...]
    ret: Ret = Ret.SCALAR
    range: tuple[int, int] | None = None
    changes_packet: bool = False
    maps: tuple[str, ...] = ()
    types: tuple[ProgramType, ...] = ()


_XDP = (ProgramType.XDP,)

_HELPERS = (
    Helper(1, "bpf_map_lookup_elem", (Arg.MAP, Arg.MAP_KEY), Ret.MAP_VALUE_OR_NULL),
    Helper(2, "bpf_map_update_elem", (Arg.MAP, Arg.MAP_KEY, Arg.MAP_VALUE, Arg.ANYTHING)),
    Helper(3, "bpf_map_delete_elem", (Arg.MAP, Arg.MAP_KEY)),
    Helper(5, "bpf_ktime_get_ns", ()),
    Helper(7, "bpf_get_prandom_u32", ()),
    Helper(12, "bpf_tail_call", (Arg.CTX, Arg.MAP, Arg.ANYTHING), maps=("prog_array",)),
    Helper(44, "bpf_xdp_adjust_head", (Arg.CTX, Arg.ANYTHING), changes_packet=True, types=_XDP),
)

HELPERS: dict[int, Helper] = {h.number: h for h in _HELPERS}
