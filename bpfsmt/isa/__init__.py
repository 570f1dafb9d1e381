"""eBPF instructions (RFC 9669): data, decode and encode, assembler and disassembler."""

from bpfsmt.isa.asm import AsmUnit, assemble
from bpfsmt.isa.codec import Slots, decode, decode_one, encode, encode_one
from bpfsmt.isa.directives import Directive, MapDirective
from bpfsmt.isa.disasm import disassemble, listing
from bpfsmt.isa.helper_ids import HELPER_IDS, HELPER_NAMES, TAIL_CALL
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import (
    FETCH,
    AluOp,
    AtomicOp,
    CallSrc,
    Class,
    JmpOp,
    LdImm64Src,
    Mode,
    Size,
)
from bpfsmt.isa.unparse import to_asm
from bpfsmt.isa.validate import validate

__all__ = [
    "FETCH",
    "HELPER_IDS",
    "HELPER_NAMES",
    "TAIL_CALL",
    "AluOp",
    "AsmUnit",
    "AtomicOp",
    "CallSrc",
    "Class",
    "Directive",
    "Instruction",
    "JmpOp",
    "LdImm64Src",
    "MapDirective",
    "Mode",
    "Size",
    "Slots",
    "assemble",
    "decode",
    "decode_one",
    "disassemble",
    "encode",
    "encode_one",
    "listing",
    "to_asm",
    "validate",
]
