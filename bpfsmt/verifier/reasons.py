"""Why a program is rejected: the stable words, and the exception that carries one."""

from __future__ import annotations

from bpfsmt.domain.analysis import Outcome, Verdict

REASONS: dict[str, str] = {
    # pass 1: the shape of the program
    "program-length": "the program is empty or longer than the rule set admits",
    "bad-jump": "a jump or call goes out of its function or into an ld_imm64",
    "falls-off": "control runs past the end of a function",
    "back-edge": "a jump goes back: the rule set admits no loops",
    "unreachable": "no path leads to an instruction",
    "recursion": "a function calls itself, directly or through others",
    "local-calls": "the rule set admits no calls of local functions",
    "call-depth": "more than eight functions are active at once",
    "stack-depth": "functions active at once use more than 512 bytes of stack together",
    "bad-instruction": "an instruction has no meaning, whatever the registers hold",
    "bad-map-reference": "an ld_imm64 names no map, or a place outside a map's value",
    "unknown-helper": "no such helper, or not for programs of this type",
    # registers
    "uninitialized-register": "a register is read that was not written on this path",
    "frame-pointer-write": "R10 is written",
    "pointer-arithmetic": "this operation is not defined on this kind of pointer",
    "pointer-bounds": "arithmetic takes a pointer further than may be followed",
    "invalid-shift": "a shift by an immediate as wide as the operand or wider",
    "division-by-zero": "a division by the immediate zero",
    # memory
    "bad-pointer": "memory is accessed through something that is no pointer to memory",
    "possibly-null": "memory is accessed through a pointer that may be NULL",
    "misaligned": "an access is not known to be aligned",
    "ctx-access": "the context has no such field, or it may not be accessed like this",
    "modified-ctx": "the context is accessed through a pointer that was moved",
    "map-value-bounds": "an access is not known to lie inside the map's value",
    "map-read-only": "a map is written that programs may only read, or the reverse",
    "packet-bounds": "an access is not known to lie inside the packet",
    "packet-write": "programs of this type may not write the packet",
    "stack-bounds": "an access lies outside the 512 bytes of stack",
    "stack-variable-offset": "the stack is accessed at an offset that is not known",
    "stack-uninitialized": "stack bytes are read that were not written on this path",
    "stack-pointer-part": "part of a pointer saved on the stack is read",
    "stack-pointer-escape": "a pointer into a function's stack would outlive the function",
    "pointer-leak": "a pointer is written where it may not be kept",
    "atomic-target": "an atomic operation on memory that does not support it",
    "memory-bounds": "an access is not known to lie inside the memory",
    "read-only": "memory is written that programs may only read",
    "special-field": "a lock, timer or pointer of the kernel in a map's value is touched",
    # calls and the end
    "argument-type": "a helper's argument has the wrong type",
    "argument-size": "a helper's size argument is not known to be in bounds",
    "map-helper-mismatch": "a helper does not work on this type of map",
    "return-value": "the program's result may lie outside what its type allows",
    "reference": "a reference is released that is not held, or not handed over as one",
    "reference-leak": "a reference is not released before the end",
    "lock-held": "something is done that may not be done while a lock is held",
    "spin-lock": "a lock is taken or released where it cannot be",
    "legacy-load": "programs of this type have no legacy loads from the packet",
    "licence": "a helper needs a licence that the program does not have",
    "signature": "a global function has a parameter that is not admitted",
    # the walk
    "infinite-loop": "a loop comes back with nothing changed",
    "mixed-pointers": "an instruction is used with pointers of kinds that it must tell apart",
    "pointer-comparison": "a pointer is compared where that would tell its address",
    "other": "a kernel says something else",
    "too-complex": "the walk of all paths visits more instructions than the rule set admits",
    # nothing that a verifier says: bpfsmt does not model it
    "unsupported": "bpfsmt does not model this; no verdict",
}
"""Every kind of rejection (``Verdict.kind``), each with what it means."""


class Rejection(Exception):
    """Raised by a check; the walk that catches it knows the pc.

    ``kind`` is a key of `REASONS`; ``message`` is the kernel's log line and ``reason`` one
    sentence for the program's author (see `Verdict`).  ``pc`` is given where it is not the
    pc of the instruction being stepped.
    """

    def __init__(
        self, kind: str, message: str, reason: str, *, reg: int = -1, pc: int = -1
    ) -> None:
        assert kind in REASONS, kind
        super().__init__(message)
        self.kind, self.message, self.reason = kind, message, reason
        self.reg, self.pc = reg, pc

    def verdict(self, pc: int) -> Verdict:
        """The verdict, at ``pc`` unless the rejection names another one."""
        outcome = Outcome.UNSUPPORTED if self.kind == "unsupported" else Outcome.REJECT
        at = self.pc if self.pc >= 0 else pc
        return Verdict(outcome, at, self.kind, self.reason, self.message, self.reg)


def unsupported(what: str, *, pc: int = -1) -> Rejection:
    """The rejection that says that bpfsmt does not model ``what``."""
    message = f"{what} not modelled"
    return Rejection("unsupported", message, f"bpfsmt does not model {what}: no verdict.", pc=pc)
