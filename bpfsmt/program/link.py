"""From the functions of an ELF object to whole programs.

A program is its main function followed by every function that it can reach, each once, in
the order in which libbpf appends them (a callee before its caller's next callee), so that
slots agree with the log of a kernel that libbpf loaded the object into.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bpfsmt.errors import DecodeError, LoadError
from bpfsmt.isa.codec import SLOT_BYTES, decode
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import CallSrc, LdImm64Src
from bpfsmt.program.btf_ext import BtfExt
from bpfsmt.program.elf import Image, Relocation, Section, Symbol
from bpfsmt.program.maps import MapSymbol
from bpfsmt.program.program import Program, ProgramType, Signature
from bpfsmt.program.signatures import Signatures

MAX_SLOTS = 1_000_000
"""The greatest length of a program: what Linux accepts from a privileged user."""

MAX_LINKED_SLOTS = 4 * MAX_SLOTS
"""The greatest length of all programs of one object together."""

# The two relocations in code (Linux, Documentation/bpf/llvm_reloc.rst).
R_BPF_64_64 = 1
R_BPF_64_32 = 10

# What a compiler leaves in the ``src`` of an ld_imm64 for the loader to set.
_UNRESOLVED = (LdImm64Src.IMM, LdImm64Src.MAP_BY_FD)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function symbol with its place: bytes ``start`` to ``end`` of the section."""

    name: str
    section: Section
    start: int
    end: int
    local: bool


@dataclass(slots=True)
class Code:
    """A function's instructions with what they refer to, by slot within the function.

    ``maps`` has the position of a map among all the object's, and the byte inside its value
    where that is meant (global data), not the map.
    """

    slots: list[Instruction | None]
    maps: dict[int, tuple[int, int | None]] = field(default_factory=dict)
    functions: dict[int, Function] = field(default_factory=dict)


class Linker:
    """Links the programs of one object."""

    def __init__(
        self,
        image: Image,
        maps: Sequence[MapSymbol],
        ext: BtfExt,
        signatures: Signatures | None = None,
    ) -> None:
        """Raises `LoadError` where functions overlap or do not fit into their section."""
        self._image = image
        self._signatures = signatures
        self._maps = [found.definition for found in maps]
        self._map_at = {(m.section, m.offset): n for n, m in enumerate(maps) if not m.is_data}
        self._data_in = {m.section: n for n, m in enumerate(maps) if m.is_data}
        self._ext = ext
        self._functions = {(f.section.index, f.start): f for f in _functions(image)}
        self._by_section: dict[int, list[Function]] = {}
        for function in self._functions.values():
            self._by_section.setdefault(function.section.index, []).append(function)
        self._code: dict[Function, Code] = {}
        self._offsets: dict[tuple[str, str], list[int]] = {}
        self._linked = 0

    def functions(self, section: Section) -> list[Function]:
        """The functions of a section, by address."""
        return self._by_section.get(section.index, [])

    def link(self, main: Function, kind: ProgramType, license: str) -> Program:
        """The program that begins with ``main``; `LoadError` where it cannot be linked."""
        order = self._order(main)
        starts: dict[Function, int] = {}
        length = 0
        for function in order:
            starts[function] = length
            length += (function.end - function.start) // SLOT_BYTES
        used = sorted({n for f in order for n, _ in self._resolve(f).maps.values()})
        slots = [s for f in order for s in _patch(self._resolve(f), starts[f], starts, used)]
        return Program(
            name=main.name,
            type=kind,
            slots=tuple(slots),
            maps=tuple(self._maps[n] for n in used),
            functions={starts[f]: f.name for f in order},
            source={starts[f] + pc: line for f in order for pc, line in self._source(f)},
            license=license,
            signatures=self._signed(starts, kind),
            section=main.section.name,
        )

    def _signed(self, starts: Mapping[Function, int], kind: ProgramType) -> dict[int, Signature]:
        """The signatures of the functions that BTF describes, by first slot."""
        if self._signatures is None:
            return {}
        found = {pc: self._signatures.of(f.name, kind, local=f.local) for f, pc in starts.items()}
        return {pc: signature for pc, signature in found.items() if signature is not None}

    def _order(self, main: Function) -> list[Function]:
        """All functions that ``main`` reaches, itself first, depth first."""
        order: dict[Function, None] = {}
        pending = [main]
        length = 0
        while pending:
            function = pending.pop()
            if function in order:
                continue
            order[function] = None
            slots = (function.end - function.start) // SLOT_BYTES
            length += slots
            self._linked += slots
            if length > MAX_SLOTS or self._linked > MAX_LINKED_SLOTS:
                raise LoadError(f"more than {MAX_SLOTS} instructions with all its callees")
            pending += reversed(self._resolve(function).functions.values())
        return list(order)

    def _resolve(self, function: Function) -> Code:
        """The function's instructions and references, read once."""
        if function not in self._code:
            self._code[function] = self._read(function)
        return self._code[function]

    def _read(self, function: Function) -> Code:
        if self._within(function, "core", self._ext.core.get(function.section.name, ())):
            raise LoadError(
                f"function {function.name} needs a CO-RE relocation, which takes a running kernel"
            )
        try:
            code = Code(list(decode(function.section.read(function.start, function.end))))
        except DecodeError as error:
            raise LoadError(f"function {function.name}: {error}") from None
        relocations = self._relocations(function)
        for pc, insn in enumerate(code.slots):
            try:
                self._refer(code, function, pc, insn, relocations.pop(pc, None))
            except LoadError as error:
                raise LoadError(f"function {function.name}: instruction {pc}: {error}") from None
        return code

    def _relocations(self, function: Function) -> dict[int, Relocation]:
        """The relocations inside a function, by slot."""
        found: dict[int, Relocation] = {}
        every = self._image.relocations.get(function.section.index, ())
        low, high = (
            bisect_left(every, offset, key=lambda relocation: relocation.offset)
            for offset in (function.start, function.end)
        )
        for relocation in every[low:high]:
            pc, rest = divmod(relocation.offset - function.start, SLOT_BYTES)
            if rest or pc in found:
                raise LoadError(f"function {function.name}: relocation inside instruction {pc}")
            found[pc] = relocation
        return found

    def _refer(
        self,
        code: Code,
        function: Function,
        pc: int,
        insn: Instruction | None,
        relocation: Relocation | None,
    ) -> None:
        """Note what the instruction refers to."""
        if relocation is None:
            if insn is not None:
                self._refer_unaided(code, function, pc, insn)
            return
        if relocation.type not in (R_BPF_64_64, R_BPF_64_32):
            raise LoadError(f"relocation type {relocation.type} is not known")
        symbol = relocation.symbol
        section = self._home(symbol)
        if relocation.type == R_BPF_64_32:
            if insn is None or not insn.calls_local:
                raise LoadError("the relocation is for a call of a function, and here is none")
            target = symbol.value + (insn.imm + 1) * SLOT_BYTES
            code.functions[pc] = self._function(section, target)
            return
        if insn is None or not insn.is_ld_imm64 or insn.src not in _UNRESOLVED:
            raise LoadError("the relocation is for a 64-bit immediate, and here is none")
        if section.executable:
            code.functions[pc] = self._function(section, symbol.value + insn.imm)
        else:
            code.maps[pc] = self._map(section, symbol.value + insn.imm)

    def _refer_unaided(self, code: Code, function: Function, pc: int, insn: Instruction) -> None:
        """A reference without a relocation: only a call within the section can be one."""
        if insn.is_ld_imm64 and insn.src != LdImm64Src.IMM:
            raise LoadError(f"ld_imm64 with src {insn.src} has no relocation")
        if not insn.is_call or insn.helper is not None:
            return
        if not insn.calls_local:
            raise LoadError("a call of a kernel function takes a running kernel")
        target = function.start + (pc + 1 + insn.imm) * SLOT_BYTES
        code.functions[pc] = self._function(function.section, target)

    def _home(self, symbol: Symbol) -> Section:
        """The section that a symbol is defined in."""
        if symbol.section is None:
            raise LoadError(
                f"extern {symbol.name} (of the kernel or its configuration) takes a running kernel"
            )
        return self._image.sections[symbol.section]

    def _function(self, section: Section, offset: int) -> Function:
        found = self._functions.get((section.index, offset))
        if found is None:
            raise LoadError(f"no function begins at byte {offset} of section {section.name}")
        return found

    def _map(self, section: Section, offset: int) -> tuple[int, int | None]:
        """The position of the map at that byte, and the byte inside the value of global data."""
        if section.index in self._data_in and 0 <= offset < section.size:
            return self._data_in[section.index], offset
        if (section.index, offset) in self._map_at:
            return self._map_at[section.index, offset], None
        raise LoadError(f"no map or variable at byte {offset} of section {section.name}")

    def _source(self, function: Function) -> Iterator[tuple[int, str]]:
        lines = self._ext.lines.get(function.section.name, {})
        for offset in self._within(function, "lines", lines):
            yield (offset - function.start) // SLOT_BYTES, lines[offset]

    def _within(
        self, function: Function, what: str, offsets: Mapping[int, str] | frozenset[int] | tuple[()]
    ) -> list[int]:
        """Those of a section's byte offsets that lie inside the function."""
        key = what, function.section.name
        if key not in self._offsets:
            self._offsets[key] = sorted(offsets)
        ordered = self._offsets[key]
        return ordered[bisect_left(ordered, function.start) : bisect_left(ordered, function.end)]


def _functions(image: Image) -> Iterator[Function]:
    """All functions, each checked to be whole slots inside its section and on its own."""
    symbols = [s for s in image.symbols if s.type == "STT_FUNC" and s.section is not None]
    ends: dict[int, int] = {}
    for symbol in sorted(symbols, key=lambda symbol: symbol.value):
        assert symbol.section is not None
        section = image.sections[symbol.section]
        if not section.executable:
            continue
        start, end = symbol.value, symbol.value + symbol.size
        if start % SLOT_BYTES or end % SLOT_BYTES or start == end or end > section.size:
            raise LoadError(f"function {symbol.name} does not fit into section {section.name}")
        if start < ends.get(section.index, 0):
            raise LoadError(f"function {symbol.name} overlaps another in section {section.name}")
        ends[section.index] = end
        yield Function(symbol.name, section, start, end, symbol.local)


def _patch(
    code: Code, start: int, starts: Mapping[Function, int], used: Sequence[int]
) -> Iterator[Instruction | None]:
    """The function's slots, with maps by index and functions by distance filled in."""
    for pc, insn in enumerate(code.slots):
        if insn is None:
            yield None
        elif pc in code.maps:
            position, offset = code.maps[pc]
            yield _map_reference(insn, bisect_left(used, position), offset)
        elif pc in code.functions:
            source = LdImm64Src.CODE if insn.is_ld_imm64 else CallSrc.LOCAL
            distance = starts[code.functions[pc]] - (start + pc) - 1
            yield replace(insn, src=int(source), imm=distance, next_imm=0)
        else:
            yield insn


def _map_reference(insn: Instruction, index: int, offset: int | None) -> Instruction:
    """The ``ld_imm64`` of a map, or of a byte inside its value."""
    source = LdImm64Src.MAP_BY_FD if offset is None else LdImm64Src.MAP_VALUE
    return replace(insn, src=int(source), imm=index, next_imm=offset or 0)
