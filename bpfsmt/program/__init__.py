"""Programs: the immutable `Program`, its maps and type, and the loaders that make one."""

from bpfsmt.program.asm_text import load_asm
from bpfsmt.program.elf_object import load_elf
from bpfsmt.program.load import load
from bpfsmt.program.maptypes import check_map
from bpfsmt.program.object import Object
from bpfsmt.program.program import Expectation, MapDef, Program, ProgramType
from bpfsmt.program.raw import load_raw

__all__ = [
    "Expectation",
    "MapDef",
    "Object",
    "Program",
    "ProgramType",
    "check_map",
    "load",
    "load_asm",
    "load_elf",
    "load_raw",
]
