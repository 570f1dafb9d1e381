"""Generated programs to compare on: numbers, branches, both widths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bpfsmt.conformance.generated import CHUNK, draw
from bpfsmt.errors import BpfsmtError
from bpfsmt.program.program import Program


def generated(count: int, seed: int) -> Iterator[Program]:
    """So many programs, the same for the same seed.

    Three of four chunks work on numbers alone, the fourth with packet, stack and map.  Raises
    `BpfsmtError` if hypothesis is not installed.
    """
    try:
        from bpfsmt.generate import programs, scalar_programs
    except ModuleNotFoundError:
        raise BpfsmtError("generated programs need hypothesis: install bpfsmt[generate]") from None
    made = 0
    chunk = 0
    while made < count:
        kind = programs() if chunk % 4 == 3 else scalar_programs()
        for n, program in enumerate(draw(kind, seed * 1_000_003 + chunk)[: count - made]):
            yield replace(program, name=f"generated_{seed}_{chunk}_{n}")
        made += CHUNK
        chunk += 1
