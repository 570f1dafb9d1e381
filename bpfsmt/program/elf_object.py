"""ELF objects, as ``clang -target bpf`` makes them, to linked programs."""

from __future__ import annotations

from bpfsmt.errors import LoadError
from bpfsmt.program.btf import Btf
from bpfsmt.program.btf_ext import BtfExt, parse_btf_ext
from bpfsmt.program.elf import Image, printable, read_image
from bpfsmt.program.link import Linker
from bpfsmt.program.maps import read_maps
from bpfsmt.program.object import Object
from bpfsmt.program.program import Program
from bpfsmt.program.sections import program_type
from bpfsmt.program.signatures import Signatures

_CALLEES = ".text"  # functions here are no programs, only called by them


def load_elf(data: bytes, name: str, *, strict: bool = False, empty: bool = False) -> Object:
    """Every program of an ELF object: each global function of a section named for a type.

    A program that cannot be loaded is in `Object.skipped` with the reason; ``strict``
    makes that an error.  Without a ``license`` section, a program's license is empty.
    Raises `LoadError`, one line beginning with ``name``, where the object itself is
    damaged or no BPF object, a map is invalid, or no program loads (unless ``empty``).
    """
    try:
        found = _load(data, name)
    except LoadError as error:
        raise LoadError(f"{name}: {error}") from error
    if empty:
        return found
    if found.skipped and (strict or not found.programs):
        where, reason = found.skipped[0]
        more = f" (and {len(found.skipped) - 1} more)" if len(found.skipped) > 1 else ""
        raise LoadError(f"{name}: {where}: {reason}{more}")
    if not found.programs:
        raise LoadError(f"{name}: no program in it (no global function outside {_CALLEES})")
    return found


def _load(data: bytes, name: str) -> Object:
    image = read_image(data)
    btf, ext = _read_btf(image)
    signatures = None if btf is None else Signatures(btf)
    linker = Linker(image, read_maps(image, btf), ext, signatures)
    license = _license(image)
    programs: list[Program] = []
    skipped: list[tuple[str, str]] = []
    for section in image.sections:
        kind = program_type(section.name)
        for function in linker.functions(section):
            if function.local or section.name == _CALLEES:
                continue
            try:
                if kind is None:
                    raise LoadError(f"section {section.name} names no program type known here")
                programs.append(linker.link(function, kind, license))
            except LoadError as error:
                skipped.append((f"{section.name}: {function.name}", str(error)))
    return Object(name, tuple(programs), tuple(skipped))


def _read_btf(image: Image) -> tuple[Btf | None, BtfExt]:
    types, ext = image.section(".BTF"), image.section(".BTF.ext")
    if types is None:
        return None, BtfExt()
    btf = Btf(types.data)
    return btf, BtfExt() if ext is None else parse_btf_ext(ext.data, btf)


def _license(image: Image) -> str:
    section = image.section("license")
    return "" if section is None else printable(section.data.split(b"\0", 1)[0])
