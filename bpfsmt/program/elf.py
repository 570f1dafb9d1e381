"""The parts of an ELF object that matter to a BPF loader, as plain data.

pyelftools knows the records of the format; this module decides which of them are read
and how much, because its input may be damaged or hostile: every size is checked against
the file before it is believed, so that time and memory stay within a few times the file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from elftools.common.utils import struct_parse
from elftools.elf.descriptions import describe_e_machine
from elftools.elf.elffile import ELFFile

from bpfsmt.errors import LoadError

MAX_BYTES = 64 << 20
"""The greatest size of a file, and of all its sections together (``.bss`` takes no file)."""

MAX_RECORDS = 1 << 16
"""The greatest number of symbols, and of relocations, in one object."""

MAX_NAME = 1024
"""The greatest length of the name of a section or symbol, in bytes."""

_MACHINES = {"EM_X86_64": "x86-64", "EM_AARCH64": "AArch64", "EM_386": "x86"}


@dataclass(frozen=True, slots=True)
class Section:
    """One section.  ``type`` and ``flags`` are pyelftools' name and the bits of ELF."""

    index: int
    name: str
    type: str | int
    flags: int
    size: int
    offset: int
    link: int
    info: int
    entry_size: int
    file: bytes = field(repr=False)

    @property
    def data(self) -> bytes:
        """The content: bytes of the file, or zeros for a section that only has a size."""
        if self.type == "SHT_NOBITS":
            return bytes(self.size)
        return self.read(0, self.size)

    def read(self, start: int, end: int) -> bytes:
        """Bytes ``start`` to ``end`` of a section that has content in the file."""
        return self.file[self.offset + start : self.offset + end]

    @property
    def executable(self) -> bool:
        """Holds instructions (SHF_EXECINSTR)."""
        return bool(self.flags & 0x4) and self.type == "SHT_PROGBITS"


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol; ``section`` is `None` where it is undefined (an extern) or absolute."""

    name: str
    type: str | int
    local: bool
    section: int | None
    value: int
    size: int


@dataclass(frozen=True, slots=True)
class Relocation:
    """At byte ``offset`` of a section, something of ``symbol`` is to be filled in."""

    offset: int
    type: int
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class Image:
    """A whole object.

    ``relocations`` is by the index of the section that they change, in order of offsets.
    """

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    relocations: dict[int, tuple[Relocation, ...]]

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((s for s in self.sections if s.name == name), None)


def read_image(data: bytes) -> Image:
    """Read a little-endian 64-bit BPF object.

    Raises `LoadError` where the file is damaged, or an ELF file of another kind.
    """
    try:
        return _Reader(data).image()
    except LoadError:
        raise
    except Exception as error:  # the one boundary: pyelftools raises nearly anything
        detail = str(error) or type(error).__name__
        raise LoadError(f"damaged ELF: {printable(detail)}") from error


def printable(text: str | bytes) -> str:
    r"""Text from a file in a form that keeps a message on one line.

    >>> printable(b"a\nb\xff")
    'a\\nb\\xff'
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    text = text.replace("\t", " ")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class _Reader:
    """Reads the tables of one file."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_BYTES:
            raise LoadError(f"larger than {MAX_BYTES >> 20} MiB")
        self.data = data
        self.stream = io.BytesIO(data)
        self.elf = ELFFile(self.stream)
        self.header: Any = self.elf.header
        self._check_header()

    def image(self) -> Image:
        sections = self._sections()
        symbols = self._symbols(sections)
        return Image(sections, symbols, self._relocations(sections, symbols))

    def _check_header(self) -> None:
        machine = self.header["e_machine"]
        if machine != "EM_BPF":
            raise LoadError(f"machine is {_machine_name(machine)}, not BPF")
        if self.elf.elfclass != 64:
            raise LoadError("a 32-bit ELF file, BPF objects are 64-bit")
        if not self.elf.little_endian:
            raise LoadError(
                "built for a big-endian machine, bpfsmt models little-endian ones "
                "(compile with -target bpfel)"
            )
        if self.header["e_type"] != "ET_REL":
            raise LoadError(f"ELF type is {self.header['e_type']}, not a relocatable object")

    def _records(self, struct: Any, offset: int, size: int, count: int) -> Iterator[Any]:
        """Parse ``count`` records of ``size`` bytes each, all inside the file."""
        if struct.sizeof() != size:
            raise LoadError(f"damaged ELF: records of {size} bytes instead of {struct.sizeof()}")
        if count > MAX_RECORDS:
            raise LoadError(f"more than {MAX_RECORDS} records in a table")
        if offset + size * count > len(self.data):
            raise LoadError("damaged ELF: a table reaches beyond the end of the file")
        return (struct_parse(struct, self.stream, offset + size * i) for i in range(count))

    def _sections(self) -> tuple[Section, ...]:
        head = self.header
        table = list(
            self._records(
                self.elf.structs.Elf_Shdr, head["e_shoff"], head["e_shentsize"], head["e_shnum"]
            )
        )
        for index, header in enumerate(table):
            self._check_extent(index, header)
        if sum(header["sh_size"] for header in table) > MAX_BYTES:
            raise LoadError(f"its sections are larger than {MAX_BYTES >> 20} MiB together")
        if head["e_shstrndx"] >= len(table):
            raise LoadError("damaged ELF: no table of section names")
        names = table[head["e_shstrndx"]]
        return tuple(self._section(index, header, names) for index, header in enumerate(table))

    def _check_extent(self, index: int, header: Any) -> None:
        in_file = header["sh_type"] not in ("SHT_NULL", "SHT_NOBITS")
        if in_file and header["sh_offset"] + header["sh_size"] > len(self.data):
            raise LoadError(f"damaged ELF: section {index} reaches beyond the end of the file")

    def _section(self, index: int, header: Any, names: Any) -> Section:
        return Section(
            index=index,
            name=self._string(names["sh_offset"], names["sh_size"], header["sh_name"]),
            type=header["sh_type"],
            flags=header["sh_flags"],
            size=header["sh_size"] if header["sh_type"] != "SHT_NULL" else 0,
            offset=header["sh_offset"],
            link=header["sh_link"],
            info=header["sh_info"],
            entry_size=header["sh_entsize"],
            file=self.data,
        )

    def _string(self, table: int, size: int, offset: int) -> str:
        """The string at ``offset`` of the string table at ``table``."""
        start = table + offset
        end = self.data.find(b"\0", start, min(table + size, start + MAX_NAME))
        if offset >= size or end < 0:
            raise LoadError("damaged ELF: a name lies outside its string table")
        return printable(self.data[start:end])

    def _symbols(self, sections: tuple[Section, ...]) -> tuple[Symbol, ...]:
        tables = [s for s in sections if s.type == "SHT_SYMTAB"]
        if not tables:
            return ()
        if len(tables) > 1:
            raise LoadError("damaged ELF: more than one symbol table")
        table = tables[0]
        if table.link >= len(sections):
            raise LoadError("damaged ELF: the symbol table has no string table")
        names = sections[table.link]
        count, rest = divmod(table.size, max(table.entry_size, 1))
        if rest:
            raise LoadError("damaged ELF: the symbol table is cut short")
        records = self._records(self.elf.structs.Elf_Sym, table.offset, table.entry_size, count)
        return tuple(self._symbol(record, names, sections) for record in records)

    def _symbol(self, record: Any, names: Section, sections: tuple[Section, ...]) -> Symbol:
        kind, home = record["st_info"]["type"], record["st_shndx"]
        section = home if isinstance(home, int) else None
        if section is not None and section >= len(sections):
            raise LoadError(f"damaged ELF: a symbol in section {section}, which does not exist")
        name = self._string(names.offset, names.size, record["st_name"])
        if kind == "STT_SECTION" and section is not None and not name:
            name = sections[section].name
        return Symbol(
            name=name,
            type=kind,
            local=record["st_info"]["bind"] == "STB_LOCAL",
            section=section,
            value=record["st_value"],
            size=record["st_size"],
        )

    def _relocations(
        self, sections: tuple[Section, ...], symbols: tuple[Symbol, ...]
    ) -> dict[int, tuple[Relocation, ...]]:
        """The relocations of all sections with instructions; others change nothing we read."""
        found: dict[int, tuple[Relocation, ...]] = {}
        total = 0
        for table in sections:
            if table.type not in ("SHT_REL", "SHT_RELA"):
                continue
            if table.info >= len(sections):
                raise LoadError(f"damaged ELF: section {table.name} relocates no section")
            if not sections[table.info].executable:
                continue
            if table.type == "SHT_RELA" or table.info in found:
                raise LoadError(f"section {table.name}: only one table of type REL is supported")
            total += table.size // max(table.entry_size, 1)
            if total > MAX_RECORDS:
                raise LoadError(f"more than {MAX_RECORDS} relocations")
            found[table.info] = self._relocation_table(table, symbols)
        return found

    def _relocation_table(
        self, table: Section, symbols: tuple[Symbol, ...]
    ) -> tuple[Relocation, ...]:
        count, rest = divmod(table.size, max(table.entry_size, 1))
        if rest:
            raise LoadError(f"damaged ELF: section {table.name} is cut short")
        relocations = []
        for record in self._records(
            self.elf.structs.Elf_Rel, table.offset, table.entry_size, count
        ):
            if record["r_info_sym"] >= len(symbols):
                raise LoadError(f"damaged ELF: section {table.name} names a symbol beyond the last")
            symbol = symbols[record["r_info_sym"]]
            relocations.append(Relocation(record["r_offset"], record["r_info_type"], symbol))
        return tuple(sorted(relocations, key=lambda relocation: relocation.offset))


def _machine_name(machine: str | int) -> str:
    if isinstance(machine, int):
        return f"number {machine}"
    known = _MACHINES.get(machine) or describe_e_machine(machine)
    return machine if known == "<unknown>" else str(known)
