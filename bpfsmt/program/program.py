"""A program as bpfsmt sees it, wherever it came from.

A :class:`Program` is immutable data: the instructions by slot, the maps they name, the
program type whose context R1 points to.  Loaders (ELF, raw bytes, assembly text) make
one; everything else reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from bpfsmt.isa.instruction import Instruction


class ProgramType(Enum):
    """Program types, by the name that libbpf and the kernel's documentation use."""

    XDP = "xdp"
    SCHED_CLS = "sched_cls"
    SCHED_ACT = "sched_act"
    SOCKET_FILTER = "socket_filter"
    CGROUP_SKB = "cgroup_skb"
    TRACEPOINT = "tracepoint"
    KPROBE = "kprobe"
    RAW_TRACEPOINT = "raw_tracepoint"
    PERF_EVENT = "perf_event"
    CGROUP_SOCK = "cgroup_sock"
    CGROUP_SOCK_ADDR = "cgroup_sock_addr"


LOAD_FLAGS = {"strict_alignment": 1 << 0, "test_state_freq": 1 << 3, "sleepable": 1 << 4}
"""Flags of a load that a verifier asks for, by the end of their name (``BPF_F_...``)."""


@dataclass(frozen=True, slots=True)
class MapDef:
    """The definition of one map: what the verifier knows of it.

    Sizes are in bytes.  ``type`` is the kernel's name in lower case without the
    ``BPF_MAP_TYPE_`` prefix (``"hash"``, ``"array"``, ``"lpm_trie"``, ``"prog_array"``).
    ``data`` is the initial content of a global-data map (``.rodata``, ``.data``,
    ``.bss``: an array of one entry) and `None` for all others; ``frozen`` says that
    nobody writes it after loading (``.rodata``).  ``inner`` describes the maps that a
    map-in-map holds.  ``fields`` are the parts of a value that only the kernel may touch
    (``bpf_spin_lock``, ``bpf_timer``, ``kptr``): name, offset and size of each.
    """

    name: str
    type: str
    key_size: int
    value_size: int
    max_entries: int
    flags: int = 0
    data: bytes | None = None
    frozen: bool = False
    inner: MapDef | None = None
    fields: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a function, as a verifier of that function alone may assume it.

    ``kind`` is "scalar", "ctx", "mem" (``size`` bytes behind a pointer, which may be NULL
    if ``nullable``), or "other" for what is not modelled; then ``text`` says what it is.
    """

    kind: str
    size: int = 0
    nullable: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """What BTF says of a function: global functions are verified by it, apart from callers.

    ``scalar`` says that the result is a number (and not ``void`` or a pointer).
    """

    is_global: bool
    params: tuple[Param, ...] = ()
    scalar: bool = True


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a program's author says a verifier must answer.

    ``verdict`` is ``"accept"`` or ``"reject"``; ``pc`` and ``reason`` say where and why a
    rejection happens, `None` for anywhere and for any reason.
    """

    verdict: Literal["accept", "reject"]
    pc: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """One program, linked: callees appended, map references resolved.

    ``slots[pc]`` is the instruction at slot ``pc``, `None` for the second slot of an
    ``ld_imm64``.  A reference to a map is an ``ld_imm64`` with ``src`` MAP_BY_FD (the
    map itself) or MAP_VALUE (address of its value, at ``next_imm``) whose ``imm`` is the
    index into ``maps``.  ``functions`` maps the first slot of every function to its
    name; the main function starts at 0.  ``source`` maps slots to source lines where the
    object carries them: a line holds from its slot to the next one in the mapping.
    ``title`` and ``expect`` are what the author of a test program writes about it.
    ``signatures`` has what BTF says of the functions, by first slot.  ``section`` is the
    name of the ELF section, which also says where the program will be attached, and
    ``flags`` are those of the load (see `LOAD_FLAGS`).
    """

    name: str
    type: ProgramType
    slots: tuple[Instruction | None, ...]
    maps: tuple[MapDef, ...] = ()
    functions: Mapping[int, str] = field(default_factory=lambda: {0: "main"})
    source: Mapping[int, str] = field(default_factory=dict)
    license: str = "GPL"
    title: str = ""
    expect: Expectation | None = None
    signatures: Mapping[int, Signature] = field(default_factory=dict)
    section: str = ""
    flags: int = 0

    def __len__(self) -> int:
        """The length in slots, as the kernel counts it."""
        return len(self.slots)

    def __getitem__(self, pc: int) -> Instruction:
        """The instruction at slot ``pc``; `IndexError` where none starts."""
        insn = self.slots[pc] if 0 <= pc < len(self.slots) else None
        if insn is None:
            raise IndexError(f"no instruction starts at {pc}")
        return insn

    def instructions(self) -> Iterator[tuple[int, Instruction]]:
        """Every instruction with its pc, in order."""
        return ((pc, insn) for pc, insn in enumerate(self.slots) if insn is not None)
