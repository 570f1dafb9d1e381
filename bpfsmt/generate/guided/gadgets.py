"""The table of gadgets: what can be drawn next, by feature, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bpfsmt.generate.guided import (
    alu,
    attempts,
    branches,
    calls,
    helpers,
    loops,
    maps,
    meeting,
    numbers,
    packet,
    records,
    shaped,
    stack,
)
from bpfsmt.generate.guided.branches import Body
from bpfsmt.generate.guided.drawing import Drawing
from bpfsmt.rules import RuleSet

FEATURES = {
    "alu": "arithmetic on numbers",
    "alu32": "arithmetic of 32 bits",
    "byte-order": "conversions to little and big endian",
    "extensions": "sign extension, signed division, byte swaps (Linux 6.6)",
    "branches": "compares that split ranges, nested",
    "jmp32": "compares of 32 bits",
    "links": "copies of numbers that learn from each other's compares",
    "pointers": "compares, spills and copies of pointers",
    "stack": "stores and loads of all sizes",
    "variable-stack": "the stack at offsets that are not known",
    "packet": "the packet, at known and unknown offsets",
    "maps": "lookups and values, at known and unknown offsets",
    "atomics": "atomic operations",
    "helpers": "calls of helpers that take memory, sizes, maps",
    "calls": "functions of the program",
    "loops": "bounded loops",
    "rounds": "loops that the kernel ends, by may_goto",
    "constants": "maps of constants",
    "records": "records of ring buffers",
    "globals": "functions that are verified by themselves",
    "tail-calls": "functions that may go over to another program",
    "frequent": "states compared at every jump (BPF_F_TEST_STATE_FREQ)",
}
"""What programs may have, and in words what it is."""


@dataclass(frozen=True, slots=True)
class Gadget:
    """Something to draw: a function, the feature it belongs to, how often it is taken."""

    feature: str
    draw: Callable[[Drawing], None]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Nest:
    """The same with other gadgets inside."""

    feature: str
    draw: Callable[[Drawing, Body], None]
    weight: int = 1


GADGETS: tuple[Gadget | Nest, ...] = (
    Gadget("alu", alu.arithmetic, 8),
    Gadget("alu", numbers.constant, 2),
    Gadget("alu", numbers.field, 2),
    Gadget("alu", numbers.random),
    Gadget("alu", alu.negation),
    Gadget("alu", alu.sign_mask),
    Gadget("alu32", alu.truncation, 2),
    Gadget("byte-order", alu.byte_order),
    Gadget("extensions", alu.signed_division, 2),
    Gadget("extensions", alu.sign_extension, 2),
    Gadget("extensions", alu.byte_swap),
    Gadget("maps", shaped.divided),
    Nest("branches", branches.branch, 8),
    Nest("branches", meeting.meeting, 12),
    Nest("maps", shaped.shaped, 8),
    Gadget("pointers", attempts.moved_anyhow),
    Gadget("pointers", attempts.misplaced),
    Gadget("maps", attempts.moved_before_the_check),
    Nest("links", branches.linked, 3),
    Nest("links", branches.spilled_and_compared, 2),
    Nest("pointers", branches.pointers_compared),
    Gadget("pointers", stack.pointer_spilled),
    Gadget("pointers", stack.moved_pointer),
    Gadget("stack", stack.spill_and_fill, 2),
    Gadget("stack", stack.constant_bytes),
    Gadget("stack", stack.overwrite),
    Gadget("variable-stack", stack.unknown_offset, 2),
    Gadget("packet", packet.packet_access, 3),
    Gadget("maps", maps.looked_up, 3),
    Gadget("maps", maps.direct_value, 2),
    Gadget("atomics", maps.atomic_on_stack),
    Gadget("helpers", helpers.helper_call, 3),
    Nest("calls", calls.local_call, 2),
    Nest("loops", loops.counted, 2),
    Nest("loops", loops.up_to_unknown),
    Gadget("rounds", loops.rounds, 2),
    Gadget("constants", maps.constant_value),
    Gadget("records", records.record, 2),
    Nest("packet", packet.held, 3),
    Nest("globals", calls.global_call),
    Nest("tail-calls", calls.tail_call),
)
"""Every gadget, the simplest first."""

NUMBERS: tuple[Gadget | Nest, ...] = (
    Nest("maps", shaped.shaped, 8),
    Gadget("maps", shaped.divided, 3),
    Gadget("alu", alu.arithmetic, 2),
    Gadget("alu", numbers.constant),
    Gadget("alu", alu.negation),
    Gadget("alu", alu.sign_mask),
    Gadget("alu32", alu.truncation),
    Gadget("byte-order", alu.byte_order),
    Gadget("extensions", alu.sign_extension),
    Gadget("extensions", alu.byte_swap),
    Nest("links", branches.linked, 5),
    Nest("links", branches.spilled_and_compared),
    Gadget("stack", stack.spill_and_fill, 2),
    Gadget("stack", stack.constant_bytes),
    Gadget("pointers", attempts.moved_anyhow),
    Gadget("maps", attempts.moved_before_the_check),
    Gadget("maps", maps.looked_up),
    Gadget("helpers", helpers.helper_call),
)
"""Those that say something of numbers with few instructions."""

_LINUX = frozenset({
    "variable-stack", "links", "rounds", "constants", "records", "globals", "tail-calls",
    "frequent",
})  # fmt: skip
"""What only the walk of Linux has."""

_LATER = {"linux-6.1": frozenset({"extensions", "rounds"})}
"""What a rule set's kernel does not have, though the rules say what it would do."""


def supported(rules: RuleSet) -> frozenset[str]:
    """The features of programs that a verifier with these rules can accept."""
    missing: set[str] = set()
    if not rules.policy.loops:
        missing.add("loops")
    if not rules.policy.calls:
        missing.add("calls")
    if rules.policy.walk != "linux":
        missing |= _LINUX
    base: RuleSet | None = rules
    while base is not None:
        missing |= _LATER.get(base.name, frozenset())
        base = base.base
    return frozenset(FEATURES) - missing
