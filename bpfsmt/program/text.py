"""A program as assembly text: the inverse of `bpfsmt.load_asm`."""

from __future__ import annotations

from collections.abc import Iterator

from bpfsmt.isa.asm import AsmUnit
from bpfsmt.isa.directives import Directive, MapDirective
from bpfsmt.isa.unparse import to_asm
from bpfsmt.program.program import LOAD_FLAGS, MapDef, Program


def program_text(program: Program, *directives: Directive) -> str:
    """The program as text that `bpfsmt.load_asm` reads back, behind these directives.

    >>> from bpfsmt.program import load_asm
    >>> text = ".flags test_state_freq\\n.global f ctx\\ncall f\\nexit\\n.func f\\nr0 = 0\\nexit"
    >>> program = load_asm(text, "p")
    >>> again = load_asm(program_text(program), "p")
    >>> (again.slots, again.flags, again.signatures) == (program.slots, 8, program.signatures)
    True
    """
    inner = [m.inner for m in program.maps if m.inner is not None]  # behind: indexes stay
    unit = AsmUnit(
        slots=program.slots, maps=tuple(_map(m) for m in (*program.maps, *inner)),
        functions=dict(program.functions), directives=(*directives, *_own(program)),
        type=program.type.value, license=program.license,
    )  # fmt: skip
    return to_asm(unit)


def _own(program: Program) -> Iterator[Directive]:
    """What the program says of itself besides its code."""
    flags = [name for name, bit in LOAD_FLAGS.items() if program.flags & bit]
    if flags:
        yield Directive("flags", tuple(flags))
    for start, signature in program.signatures.items():
        if signature.is_global:
            kinds = (param.kind for param in signature.params)
            yield Directive("global", (program.functions[start], *kinds))


def _map(m: MapDef) -> MapDirective:
    return MapDirective(
        m.name, m.type, m.key_size, m.value_size, m.max_entries, m.flags,
        None if m.inner is None else m.inner.name, m.data, m.frozen,
    )  # fmt: skip
