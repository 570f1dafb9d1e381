"""Makes small ELF objects and BTF sections by hand, right or wrong as a test needs them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from bpfsmt.isa import Instruction, encode

FIXTURES = Path(__file__).parent / "fixtures"

EXIT = Instruction(0x95)
R0_IS_0 = Instruction(0xB7)
LD_IMM64 = Instruction(0x18, dst=1)
CALL_LOCAL = Instruction(0x85, src=1, imm=-1)

FUNC, OBJECT, SECTION = 2, 1, 3
R_64_64, R_64_32 = 1, 10
EM_BPF = 247


def fixture(name: str) -> bytes:
    return (FIXTURES / f"{name}.o").read_bytes()


def code(*insns: Instruction) -> bytes:
    """The bytes of the instructions, an ``ld_imm64`` being both of its slots."""
    slots: list[Instruction | None] = []
    for insn in insns:
        slots += [insn] if insn.slots == 1 else [insn, None]
    return encode(slots)


@dataclass
class Elf:
    """An object to be; sections are numbered from 1 in the order in which they are added."""

    machine: int = EM_BPF
    type: int = 1
    byte_order: int = 1
    elf_class: int = 2
    sections: list[tuple[str, int, int, bytes, int, int, int]] = field(default_factory=list)
    symbols: list[tuple[str, int, int, int, int, int]] = field(default_factory=list)
    relocations: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)

    def section(self, name: str, data: bytes, *, kind: int = 1, flags: int = 2) -> int:
        self.sections.append((name, kind, flags, data, 0, 0, 0))
        return len(self.sections)

    def code(self, name: str, *insns: Instruction) -> int:
        return self.section(name, code(*insns), flags=6)

    def symbol(
        self,
        name: str,
        section: int,
        value: int,
        size: int,
        kind: int = FUNC,
        *,
        local: bool = False,
    ) -> int:
        self.symbols.append((name, kind, 0 if local else 1, section, value, size))
        return len(self.symbols)

    def relocate(self, section: int, offset: int, symbol: int, kind: int) -> None:
        self.relocations.setdefault(section, []).append((offset, symbol, kind))

    def bytes(self) -> bytes:
        sections = list(self.sections)
        symtab, strtab = len(sections) + 1, len(sections) + 2
        names, symbols = bytearray(b"\0"), bytearray(24)

        def name(text: str) -> int:
            names.extend(text.encode() + b"\0")
            return len(names) - len(text.encode()) - 1

        for text, kind, bind, section, value, size in self.symbols:
            symbols += struct.pack("<IBBHQQ", name(text), bind << 4 | kind, 0, section, value, size)
        sections.append((".symtab", 2, 0, bytes(symbols), strtab, 1, 24))
        sections.append((".strtab", 3, 0, b"", 0, 0, 0))
        for target, records in self.relocations.items():
            data = b"".join(struct.pack("<QQ", at, sym << 32 | kind) for at, sym, kind in records)
            sections.append((f".rel{target}", 9, 0, data, symtab, target, 16))
        offsets = [name(section[0]) for section in sections]
        body, headers = bytearray(64), bytearray(64)
        for index, (_, kind, flags, data, link, info, entry) in enumerate(sections, start=1):
            content = bytes(names) if index == strtab else data
            place = (0, len(body), len(content), link, info, 8, entry)
            headers += struct.pack("<IIQQQQIIQQ", offsets[index - 1], kind, flags, *place)
            body += content
        ident = b"\x7fELF" + bytes([self.elf_class, self.byte_order, 1]) + bytes(9)
        counts = (64, 0, 0, 64, len(sections) + 1, strtab)
        order = "<" if self.byte_order == 1 else ">"
        head = struct.pack(
            order + "16sHHIQQQIHHHHHH",
            ident, self.type, self.machine, 1, 0, 0, len(body), 0, *counts,
        )  # fmt: skip
        body[:64] = head
        return bytes(body + headers)


def one_program(section: str = "xdp", *insns: Instruction) -> Elf:
    """An object with the function ``main`` alone in its section, number 1."""
    elf = Elf()
    insns = insns or (R0_IS_0, EXIT)
    index = elf.code(section, *insns)
    elf.symbol("main", index, 0, len(code(*insns)))
    return elf


@dataclass
class BtfBuilder:
    """A ``.BTF`` section to be; every method returns the id of the type that it adds."""

    types: bytearray = field(default_factory=bytearray)
    strings: bytearray = field(default_factory=lambda: bytearray(b"\0"))
    count: int = 0

    def string(self, text: str) -> int:
        if not text:
            return 0
        self.strings += text.encode() + b"\0"
        return len(self.strings) - len(text.encode()) - 1

    def add(self, kind: int, ref: int, *words: int, name: str = "", members: int = 0) -> int:
        self.types += struct.pack("<III", self.string(name), kind << 24 | members, ref)
        self.types += struct.pack(f"<{len(words)}I", *words)
        self.count += 1
        return self.count

    def integer(self, size: int = 4) -> int:
        return self.add(1, size, size * 8, name="int")

    def pointer(self, to: int) -> int:
        return self.add(2, to)

    def array(self, element: int, length: int) -> int:
        return self.add(3, 0, element, element, length)

    def struct(self, **members: int) -> int:
        words = [w for name, ref in members.items() for w in (self.string(name), ref, 0)]
        return self.add(4, 8 * len(members), *words, members=len(members))

    def number(self, value: int) -> int:
        return self.pointer(self.array(0, value))

    def variable(self, name: str, type_id: int) -> int:
        return self.add(14, type_id, 1, name=name)

    def datasec(self, name: str, *variables: int) -> int:
        words = [w for variable in variables for w in (variable, 0, 8)]
        return self.add(15, 0, *words, name=name, members=len(variables))

    def bytes(self) -> bytes:
        sizes = (0, len(self.types), len(self.types), len(self.strings))
        return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, *sizes) + self.types + self.strings
